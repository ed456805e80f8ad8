/*
 * Reading haproxy.cfg: lines, sections, and who deals with which directive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg.h"
#include "conf/cfg_write.h"

/* The sections, by their first word. */
static const struct section {
	const char *word;
	enum cfg_kind kind;
	const char *why; /* of CFG_IGNORED */
} sections[] = {
    {"global", CFG_GLOBAL, NULL},
    {"defaults", CFG_DEFAULTS, NULL},
    {"listen", CFG_LISTEN, NULL},
    {"frontend", CFG_FRONTEND, NULL},
    {"backend", CFG_BACKEND, NULL},
    {"resolvers", CFG_IGNORED,
	"names are resolved by the system's resolver, every ten seconds"},
    {"userlist", CFG_IGNORED, "nothing in mode tcp asks for users"},
    {"peers", CFG_IGNORED, "there are no stick-tables to share"},
    {"mailers", CFG_IGNORED, "no mail is sent"},
    {"program", CFG_IGNORED, "start it beside roleproxy"},
    {"cache", CFG_IGNORED, "nothing in mode tcp is cached"},
    {"http-errors", CFG_IGNORED, "nothing in mode tcp answers with them"},
    {"ring", CFG_IGNORED, "log to stdout or to syslog"},
};
#define NSECTIONS (sizeof(sections) / sizeof(sections[0]))

/* The section that a word begins, or NULL. */
static const struct section *
find_section(const char *word)
{
	size_t i;

	for (i = 0; i < NSECTIONS; i++) {
		if (strcmp(sections[i].word, word) == 0)
			return &sections[i];
	}
	return NULL;
}

struct cfg *
cfg_new(struct conf_problems *p)
{
	struct cfg *c = xcalloc(1, sizeof(*c));

	c->p = p;
	c->before = p->errors;
	return c;
}

/* May a proxy have this name? */
static bool
is_good_name(struct cfg *c, const char *name)
{
	if (parse_is_name(name))
		return true;
	cfg_error(c, "'%.80s': a name is 1 to 63 of A-Z a-z 0-9 . _ : -", name);
	return false;
}

/* Do two kinds of proxies share what one name can mean? */
static bool
overlaps(enum cfg_kind a, enum cfg_kind b)
{
	if (a == CFG_DEFAULTS || b == CFG_DEFAULTS)
		return a == b;
	return a == b || a == CFG_LISTEN || b == CFG_LISTEN;
}

/* Say that a name is taken. */
static void
check_twin(struct cfg *c, enum cfg_kind kind, const char *name)
{
	static const char *const words[] = {[CFG_DEFAULTS] = "defaults",
	    [CFG_LISTEN] = "listen",
	    [CFG_FRONTEND] = "frontend",
	    [CFG_BACKEND] = "backend"};
	const struct cfg_proxy *x;

	for (x = c->proxies; x != NULL; x = x->next) {
		if (strcmp(x->name, name) == 0 && overlaps(x->kind, kind) &&
		    *name != '\0') {
			cfg_error(c,
			    "%s '%s' has the same name as %s '%s' declared at "
			    "%s:%u",
			    words[kind], name, words[x->kind], name, x->file,
			    x->line);
			return;
		}
	}
}

/* The defaults of that name, or NULL with an error. */
static struct cfg_proxy *
find_defaults(struct cfg *c, const char *name)
{
	struct cfg_proxy *x;

	for (x = c->proxies; x != NULL; x = x->next) {
		if (x->kind == CFG_DEFAULTS && strcmp(x->name, name) == 0)
			return x;
	}
	cfg_error(c, "there is no section 'defaults %.63s' above", name);
	return NULL;
}

/* A proxy with what the defaults say; what they cannot say is its own. */
static struct cfg_proxy *
new_proxy(struct cfg *c, const struct cfg_proxy *from)
{
	struct cfg_proxy *x = cfg_alloc(c, sizeof(*x));

	x->defaults.weight = -1;
	if (from == NULL)
		return x;
	*x = *from;
	x->next = NULL;
	x->own_steps = x->own_stats = false;
	cfg_list_copy(c, &x->logs, &from->logs);
	cfg_list_copy(c, &x->steps, &from->steps);
	cfg_list_copy(c, &x->request.headers, &from->request.headers);
	return x;
}

/* Begin a proxy's section: w[0] its kind, then a name, "from X", an address. */
static void
open_proxy(struct cfg *c, enum cfg_kind kind, char **w)
{
	struct cfg_proxy *from = kind == CFG_DEFAULTS ? NULL : c->defaults;
	char **rest = w + 1;
	const char *name = "";
	struct cfg_proxy *x;

	if (*rest != NULL && (kind != CFG_DEFAULTS || strcmp(*rest, "from")))
		name = *rest++;
	if (kind != CFG_DEFAULTS && *name == '\0')
		cfg_error(c, "'%s' expects a name", w[0]);
	else if (*name != '\0' && is_good_name(c, name))
		check_twin(c, kind, name);
	if (*rest != NULL && strcmp(*rest, "from") == 0) {
		if (rest[1] == NULL)
			cfg_error(c, "'from' expects the name of defaults");
		else
			from = find_defaults(c, rest[1]);
		rest += rest[1] == NULL ? 1 : 2;
	}
	x = new_proxy(c, from);
	x->kind = kind;
	x->name = cfg_keep(c, name);
	x->file = c->place.file;
	x->line = c->place.line;
	if (c->last == NULL)
		c->proxies = x;
	else
		c->last->next = x;
	c->last = c->proxy = x;
	if (kind == CFG_DEFAULTS)
		c->defaults = x;
	if (*rest != NULL && kind == CFG_LISTEN)
		cfg_bind(c, rest - 1);
	else if (*rest != NULL)
		cfg_error(c, "'%.40s' is too much behind '%s %.63s'%s", *rest,
		    w[0], name,
		    kind == CFG_FRONTEND ? ": addresses go to bind lines" : "");
}

/* Begin a section. */
static void
open_section(struct cfg *c, const struct section *s, char **w)
{
	c->kind = s->kind;
	c->proxy = NULL;
	c->place.section = s->word;
	if (s->kind == CFG_IGNORED)
		cfg_warn(c, "section '%s' is left out: %s", s->word, s->why);
	else if (s->kind != CFG_GLOBAL)
		open_proxy(c, s->kind, w);
}

/* Where the current section is, as a directive has it. */
static unsigned
where(const struct cfg *c)
{
	static const unsigned bits[] = {[CFG_GLOBAL] = IN_GLOBAL,
	    [CFG_DEFAULTS] = IN_DEFAULTS,
	    [CFG_LISTEN] = IN_FRONT | IN_BACK,
	    [CFG_FRONTEND] = IN_FRONT,
	    [CFG_BACKEND] = IN_BACK};

	return bits[c->kind];
}

/* The directive of that name in this section, else one of another section, else
 * NULL; *nearest is what may have been meant. Names that end in '*' are the
 * beginnings of such. */
static const struct cfg_directive *
find_directive(const struct cfg *c, const char *name, const char **nearest)
{
	const struct cfg_directive *d, *other = NULL;
	size_t i, len;

	*nearest = NULL;
	for (i = 0; i < cfg_ndirectives; i++) {
		d = &cfg_directives[i];
		len = strlen(d->name);
		if (d->name[len - 1] == '*'
			? strncmp(d->name, name, len - 1) != 0
			: strcmp(d->name, name) != 0) {
			if ((d->where & where(c)) != 0 && d->class == CFG_DO)
				*nearest = key_nearer(name, d->name, *nearest);
			continue;
		}
		if ((d->where & where(c)) != 0)
			return d;
		other = d;
	}
	return other;
}

/* Is it one that HAProxy ignores in the other half of a listen, and says so? */
static bool
is_idle(const struct cfg *c, const char *name)
{
	static const char *const words[] = {"backlog", "balance", "fullconn",
	    "hash-type", "maxconn", "monitor-uri", "retries", NULL};

	return (where(c) == IN_FRONT || where(c) == IN_BACK) &&
	       parse_word_index(words, name) >= 0;
}

/* Say where a directive belongs. */
static void
misplaced(struct cfg *c, const struct cfg_directive *d, const char *name)
{
	if (is_idle(c, name)) {
		cfg_warn(c, "'%s' ignored because a %s has no %s capability",
		    name, c->place.section,
		    where(c) == IN_FRONT ? "backend" : "frontend");
		return;
	}
	cfg_error(c, "'%s' does not belong in section '%s', but in%s%s%s%s%s",
	    name, c->place.section, d->where & IN_GLOBAL ? " global" : "",
	    d->where & IN_DEFAULTS ? " defaults" : "",
	    d->where & IN_FRONT ? " frontend" : "",
	    d->where & IN_BACK ? " backend" : "",
	    d->where & (IN_FRONT | IN_BACK) ? " listen" : "");
}

/* Directives that "no" can stand before. */
static bool
takes_no(const char *name)
{
	static const char *const words[] = {
	    "option", "log", "disabled", "busy-polling", NULL};

	return parse_word_index(words, name) >= 0;
}

/* A line of a section: its words. */
static void
directive(struct cfg *c, char **w)
{
	const struct cfg_directive *d;
	const char *nearest;

	c->no = strcmp(w[0], "no") == 0 && w[1] != NULL;
	if ((c->no || strcmp(w[0], "default") == 0) && w[1] != NULL)
		w++;
	d = find_directive(c, w[0], &nearest);
	if (d == NULL)
		cfg_unknown(c, "directive", w[0], nearest);
	else if ((d->where & where(c)) == 0)
		misplaced(c, d, w[0]);
	else if (c->no && !takes_no(w[0]) && d->class != CFG_TUNING)
		cfg_error(c, "'no' cannot stand before '%s'", w[0]);
	else if (d->class == CFG_DO)
		d->handler(c, w);
	else
		cfg_classed(c, d->class, w[0], d->why);
}

/* .if and its like. */
static void
dot_line(struct cfg *c, char **w)
{
	if (strcmp(w[0], ".notice") == 0 || strcmp(w[0], ".diag") == 0)
		return;
	if (strcmp(w[0], ".warning") == 0)
		cfg_warn(c, "'%.200s'", w[1] == NULL ? "" : w[1]);
	else if (strcmp(w[0], ".alert") == 0)
		cfg_error(c, "'%.200s'", w[1] == NULL ? "" : w[1]);
	else
		cfg_error(c,
		    "'%.40s': conditional blocks are not read: keep the lines "
		    "that are to hold",
		    w[0]);
}

/* A line that was read whole. */
static void
whole_line(struct cfg *c, const char *text)
{
	const struct section *s;
	char **w = c->words.word;

	if (cfg_words_split(text, &c->place, &c->words) != 0) {
		cfg_error(c, "%s", c->words.error);
		return;
	}
	if (c->words.n == 0 || *w[0] == '\0')
		return;
	s = find_section(w[0]);
	if (w[0][0] == '.')
		dot_line(c, w);
	else if (s != NULL)
		open_section(c, s, w);
	else if (c->kind == CFG_NONE)
		cfg_error(c,
		    "'%.40s' stands before the first section: global, "
		    "defaults, frontend, backend or listen",
		    w[0]);
	else if (c->kind != CFG_IGNORED)
		directive(c, w);
}

/* Read the next line into text, without its end; *bad says what is wrong with
 * it. False if there is none. */
static bool
read_line(FILE *f, char text[CFG_LINE_MAX + 2], const char **bad, long *bytes)
{
	size_t len = 0;
	int c;

	*bad = NULL;
	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (++*bytes > INI_FILE_MAX)
			return false;
		if (c == '\0')
			*bad = "the line holds a NUL byte";
		else if (len <= CFG_LINE_MAX)
			text[len++] = (char)c;
	}
	if (ferror(f) || (c == EOF && len == 0))
		return false;
	text[len] = '\0';
	++*bytes;
	return true;
}

void
cfg_read(struct cfg *c, FILE *f, const char *file)
{
	char text[CFG_LINE_MAX + 2];
	const char *bad;
	long bytes = 0;

	c->place = (struct cfg_place){file, 0, ""};
	c->kind = CFG_NONE;
	c->proxy = NULL;
	while (read_line(f, text, &bad, &bytes)) {
		c->place.line++;
		if (c->place.line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
			memset(text, ' ', 3);
		if (bad != NULL)
			cfg_error(c, "%s", bad);
		else
			whole_line(c, text);
	}
	c->place.line = 0;
	if (ferror(f))
		cfg_error(c, "%s", strerror(errno));
	else if (bytes > INI_FILE_MAX)
		cfg_error(c, "larger than 16 MiB");
	explicit_bzero(text, sizeof(text));
	cfg_words_wipe(&c->words);
}

void
cfg_finish(struct cfg *c, struct ini *doc)
{
	doc->haproxy = true;
	cfg_write(c, doc);
	doc->broken |= c->p->errors != c->before;
	cfg_free(c);
}
