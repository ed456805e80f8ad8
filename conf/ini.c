/*
 * The reader of .ini files. inih splits each setting, one a call: it gives no
 * line numbers, cuts names at 49 and values at about 200 bytes, ends passwords
 * at " ;", takes ':' for '=' and joins lines. So lines, sections, comments and
 * values are dealt with here, and inih gets the part before the value.
 */
#include <ini.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg_words.h"
#include "conf/ini.h"

#define BLANKS     " \t"
#define BOM        "\xef\xbb\xbf"
#define NAME_SHOWN 32 /* longer words may be anything, even a secret */

/* All of them but the tab. */
#define CONTROLS                                                       \
	"\x01\x02\x03\x04\x05\x06\x07\x08\x0a\x0b\x0c\x0d\x0e\x0f\x10" \
	"\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f"

/* Where the reader is in its file. */
enum place {
	PLACE_START, /* before the first section */
	PLACE_IN,    /* in the document's last section */
	PLACE_SKIP,  /* in a section that is not known */
	PLACE_STOP   /* nothing more is to be read */
};

struct reader {
	struct ini *doc;         /* (borrowed) */
	struct conf_problems *p; /* (borrowed) */
	FILE *f;                 /* (borrowed) */
	const char *file;
	unsigned line;
	long bytes;
	enum place place;
	char text[INI_LINE_MAX + 1];
};

#define error(r, ...) \
	conf_problem((r)->p, CONF_ERROR, (r)->file, (r)->line, __VA_ARGS__)

/* Read the next line into text, without its end; *bad says what is wrong with
 * it. False if there is none, or no more can be read. */
static bool
read_line(struct reader *r, const char **bad)
{
	size_t len = 0;
	int c;

	*bad = NULL;
	while ((c = getc_unlocked(r->f)) != EOF && c != '\n') {
		if (++r->bytes > INI_FILE_MAX)
			return false;
		if (c == '\0')
			*bad = "the line holds a NUL byte";
		if (len < INI_LINE_MAX)
			r->text[len++] = (char)c;
		else if (*bad == NULL && c != '\r')
			*bad = "the line is longer than 4096 bytes";
	}
	if (ferror(r->f) || (c == EOF && len == 0))
		return false;
	r->bytes++;
	r->line++;
	r->text[len] = '\0';
	return true;
}

/* Cut blanks and a carriage return off the end. Returns the first that is no
 * blank. */
static char *
trim(char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '\r')
		len--;
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	return text + strspn(text, BLANKS);
}

/* Cut a comment off: ; or # at the beginning or behind a blank. */
static void
cut_comment(char *value)
{
	char *p;

	for (p = value; (p = strpbrk(p, ";#")) != NULL; p++) {
		if (p == value || strchr(BLANKS, p[-1]) != NULL) {
			*p = '\0';
			break;
		}
	}
	trim(value);
}

/* inih's handler: keep the name. */
static int
setting_cb(void *arg, const char *section, const char *name, const char *value)
{
	(void)section;
	(void)value;
	*(char **)arg = xstrdup(name);
	return 1;
}

/* The name that stands before the '=', or NULL if there is none. */
static char *
split_name(char *text, char *value)
{
	char *name = NULL, kept = *value;

	*value = '\0';
	ini_parse_string(text, setting_cb, &name);
	*value = kept;
	return name;
}

/* The document's section of that kind and name, or NULL. */
static const struct ini_section *
find_section(const struct ini *doc, enum key_section kind, const char *name)
{
	size_t i;

	for (i = 0; i < doc->nsections; i++) {
		if (doc->sections[i].kind == kind &&
		    strcmp(doc->sections[i].name, name) == 0)
			return &doc->sections[i];
	}
	return NULL;
}

/* Begin a section. */
static void
add_section(struct reader *r, enum key_section kind, const char *name)
{
	struct ini *doc = r->doc;
	const struct ini_section *same = find_section(doc, kind, name);

	if (same != NULL) {
		doc->broken = true;
		error(r, "[%s%s%s] already stands at %s:%u",
		    key_section_words[kind], *name == '\0' ? "" : " ", name,
		    same->file, same->line);
	}
	ini_section(doc, kind, name, r->file, r->line);
	r->place = PLACE_IN;
}

/* Say that a section is not known, and what may have been meant. */
static void
unknown_section(struct reader *r, const char *word)
{
	const char *nearest = NULL;
	size_t i;

	for (i = 0; key_section_words[i] != NULL; i++)
		nearest = key_nearer(word, key_section_words[i], nearest);
	if (nearest != NULL)
		error(r, "unknown section [%.40s], did you mean [%s]?", word,
		    nearest);
	else
		error(r,
		    "unknown section [%.40s]: there are [global], "
		    "[backend NAME], [frontend NAME] and [stats]",
		    word);
}

/* What is between the brackets: a kind, and a name if it has one. */
static void
read_section(struct reader *r, char *words)
{
	char *save, *kind = strtok_r(words, BLANKS, &save);
	char *name = kind == NULL ? NULL : strtok_r(NULL, BLANKS, &save);
	char *more = name == NULL ? NULL : strtok_r(NULL, BLANKS, &save);
	int section = -1;
	enum key_naming naming = NAMING_NONE;

	if (kind != NULL)
		section = parse_word_index(key_section_words, kind);
	if (section >= 0)
		naming = key_section_naming((enum key_section)section);
	if (section < 0)
		unknown_section(r, kind == NULL ? "" : kind);
	else if (naming == NAMING_NONE && name != NULL)
		error(r, "[%s] takes no name", kind);
	else if (naming == NAMING_NEEDED && name == NULL)
		error(r, "[%s] needs a name, as in [%s redis]", kind, kind);
	else if (name != NULL && (more != NULL || !parse_is_name(name)))
		error(r, "[%s NAME]: a name is 1 to 63 of A-Z a-z 0-9 . _ : -",
		    kind);
	else
		add_section(
		    r, (enum key_section)section, name == NULL ? "" : name);
}

/* A line that begins with '['. */
static void
section_line(struct reader *r, char *text)
{
	char *end = strchr(text, ']');
	bool named = strpbrk(text, BLANKS) != NULL;

	r->place = PLACE_SKIP;
	if (end == NULL) {
		error(r, "no ']' behind the section");
	} else {
		*end++ = '\0';
		cut_comment(end);
		if (end[strspn(end, BLANKS)] != '\0')
			error(r, "nothing may follow the ']' of a section");
		else
			read_section(r, text + 1);
	}
	if (r->place == PLACE_SKIP) {
		r->doc->refused = true;
		/* It may be a backend that others name. */
		r->doc->broken |= named;
	}
}

/* Say that a key is not known, and what may have been meant. */
static void
unknown_key(struct reader *r, enum key_section kind, const char *name)
{
	const char *section = key_section_words[kind];
	const char *nearest = key_nearest(kind, name);
	const struct key *other = NULL;
	int i;

	for (i = 0; i < SECTION_NONE && other == NULL; i++)
		other = key_find((enum key_section)i, name);
	if (!parse_is_name(name) || strlen(name) > NAME_SHOWN)
		error(
		    r, "what stands before '=' is not a key of [%s]", section);
	else if (other != NULL)
		error(r, "unknown key '%s' in [%s]: it belongs to [%s]", name,
		    section, key_section_words[other->section]);
	else if (nearest != NULL)
		error(r, "unknown key '%s' in [%s], did you mean '%s'?", name,
		    section, nearest);
	else
		error(r, "unknown key '%s' in [%s]", name, section);
}

/* Add a setting to the section that is being read. */
static void
add_setting(struct reader *r, const char *name, char *value)
{
	struct ini_section *s = &r->doc->sections[r->doc->nsections - 1];
	const struct key *key = key_find(s->kind, name);
	const struct ini_setting *same;

	if (key == NULL) {
		unknown_key(r, s->kind, name);
		return;
	}
	if (!key->secret)
		cut_comment(value);
	value += strspn(value, BLANKS);
	same = ini_find(s, name);
	if (*value == '\0') {
		error(r, "'%s' has no value", name);
	} else if (same != NULL && !key->repeat) {
		error(r, "'%s' was already set at line %u", name, same->line);
	} else {
		ini_add(s, key, value, r->line);
	}
}

/* Refuse a file in HAProxy's language, and read no more of it. */
static void
stop_reading(struct reader *r)
{
	error(r, "this is HAProxy's language: such files are named *.cfg");
	r->doc->broken = true;
	r->place = PLACE_STOP;
}

/* A line that should be "key = value". It may hold a password: what is wrong is
 * not repeated. */
static void
setting_line(struct reader *r, char *text)
{
	char *equals = text + strcspn(text, BLANKS "=:"), *name;

	equals += strspn(equals, BLANKS);
	if (r->place == PLACE_START && cfg_words_are_section(text))
		stop_reading(r);
	else if (r->place == PLACE_START)
		error(r, "a setting before the first [section]");
	if (r->place != PLACE_IN)
		return;
	if (*equals == ':') {
		error(r, "':' between key and value: write '='");
	} else if (*equals != '=') {
		error(r, "no '=' between key and value");
	} else if (equals == text) {
		error(r, "no key before '='");
	} else if ((name = split_name(text, equals + 1)) == NULL) {
		error(r, "this is not 'key = value'");
	} else {
		add_setting(r, name, equals + 1);
		free(name);
	}
}

/* One line that was read whole. */
static void
whole_line(struct reader *r)
{
	char *text = r->text;

	if (r->line == 1 && strncmp(text, BOM, strlen(BOM)) == 0)
		text += strlen(BOM);
	text = trim(text);
	if (*text == '\0' || *text == ';' || *text == '#')
		return;
	if (text[strcspn(text, CONTROLS)] != '\0')
		error(r, "the line holds a control character");
	else if (*text == '[')
		section_line(r, text);
	else
		setting_line(r, text);
}

/* Say that the file as a whole cannot be used. */
static void
unusable(struct reader *r, const char *why)
{
	conf_problem(r->p, CONF_ERROR, r->file, 0, "%s", why);
	r->doc->broken = true;
}

void
ini_read(struct ini *doc, FILE *f, const char *file, struct conf_problems *p)
{
	struct reader r = {.doc = doc, .f = f, .file = file, .p = p};
	const char *bad;

	while (r.place != PLACE_STOP && read_line(&r, &bad)) {
		if (bad != NULL)
			error(&r, "%s", bad);
		else
			whole_line(&r);
	}
	if (ferror(f))
		unusable(&r, strerror(errno));
	else if (r.bytes > INI_FILE_MAX)
		unusable(&r, "larger than 16 MiB");
	else if (r.place == PLACE_START)
		unusable(&r, "there is no [section]");
	explicit_bzero(r.text, sizeof(r.text));
}

struct ini_section *
ini_section(struct ini *doc, enum key_section kind, const char *name,
    const char *file, unsigned line)
{
	struct ini_section *s;

	doc->sections = xrealloc(
	    doc->sections, (doc->nsections + 1) * sizeof(*doc->sections));
	s = &doc->sections[doc->nsections++];
	*s = (struct ini_section){
	    .kind = kind, .name = xstrdup(name), .file = file, .line = line};
	return s;
}

void
ini_add(struct ini_section *s, const struct key *key, const char *value,
    unsigned line)
{
	s->settings =
	    xrealloc(s->settings, (s->nsettings + 1) * sizeof(*s->settings));
	s->settings[s->nsettings++] = (struct ini_setting){
	    .key = key, .value = xstrdup(value), .line = line};
}

const struct ini_setting *
ini_find(const struct ini_section *s, const char *key)
{
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		if (strcmp(s->settings[i].key->name, key) == 0)
			return &s->settings[i];
	}
	return NULL;
}

/* Free what a section holds. */
static void
clear_section(struct ini_section *s)
{
	struct ini_setting *set;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		if (set->key->secret)
			explicit_bzero(set->value, strlen(set->value));
		free(set->value);
	}
	free(s->settings);
	free(s->name);
}

void
ini_clear(struct ini *doc)
{
	size_t i;

	for (i = 0; i < doc->nsections; i++)
		clear_section(&doc->sections[i]);
	free(doc->sections);
	memset(doc, 0, sizeof(*doc));
}
