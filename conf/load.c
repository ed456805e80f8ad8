/*
 * Loading: from files or URLs to a model, by way of a reader (ini.c, url.c),
 * the parsers (parse.c) and the checks (check.c). What is fetched from outside,
 * passwords, is fetched here.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/branch.h"
#include "conf/cfg.h"
#include "conf/cfg_words.h"
#include "conf/check.h"
#include "conf/files.h"
#include "conf/ini.h"
#include "conf/keys.h"
#include "conf/load.h"
#include "conf/to_ini.h"
#include "conf/url.h"

#define DEFAULT_URL "redis://127.0.0.1:6379"

/* Does a file begin in HAProxy's language, behind comments? It is at its
 * beginning then. */
static bool
begins_as_haproxy(FILE *f)
{
	char line[256];
	const char *text;
	bool is = false;
	int lines;

	for (lines = 0; lines < 1000; lines++) {
		if (fgets(line, sizeof(line), f) == NULL)
			break;
		text = line + strspn(line, " \t\r\n");
		if (*text == '\0' || *text == '#')
			continue;
		is = cfg_words_are_section(text);
		break;
	}
	explicit_bzero(line, sizeof(line));
	return fseek(f, 0, SEEK_SET) == 0 && is;
}

/* Does its name end like this? */
static bool
is_called(const char *file, const char *end)
{
	const char *dot = strrchr(file, '.');

	return dot != NULL && strcmp(dot, end) == 0;
}

/* Is it a haproxy.cfg? Its name says that, or else its first section. */
static bool
is_haproxy(FILE *f, const char *file)
{
	return is_called(file, ".cfg") ||
	       (!is_called(file, ".ini") && begins_as_haproxy(f));
}

/* Read one file into doc, or into *cfg, which is made if need be. What was in
 * the buffer may be secret. */
static void
read_file(struct ini *doc, struct cfg **cfg, const char *file,
    struct conf_problems *p)
{
	FILE *f = fopen(file, "re");
	char buffer[4096];

	if (f == NULL) {
		p->haproxy |= is_called(file, ".cfg");
		conf_problem(
		    p, CONF_ERROR, file, 0, "cannot open: %s", strerror(errno));
		doc->broken = true;
		return;
	}
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	if (is_haproxy(f, file)) {
		p->haproxy = true;
		if (*cfg == NULL)
			*cfg = cfg_new(p);
		cfg_read(*cfg, f, file);
	} else {
		ini_read(doc, f, file, p);
	}
	fclose(f);
	explicit_bzero(buffer, sizeof(buffer));
}

/* Read all files into doc: they are in one language. */
static void
read_files(struct ini *doc, const char *const *files, size_t nfiles,
    struct conf_problems *p)
{
	struct cfg *cfg = NULL;
	size_t i;

	for (i = 0; i < nfiles; i++)
		read_file(doc, &cfg, files[i], p);
	if (cfg != NULL && doc->nsections > 0) {
		conf_problem(p, CONF_ERROR, doc->sections[0].file, 0,
		    "an .ini file and a haproxy.cfg cannot be one "
		    "configuration");
		doc->broken = true;
	}
	if (cfg != NULL)
		cfg_finish(cfg, doc);
}

/* Read the first line of an open file into buf. Returns what is wrong with it,
 * or NULL. */
static const char *
read_secret(int fd, char *buf, size_t size)
{
	ssize_t n = read(fd, buf, size - 1);

	if (n < 0)
		return strerror(errno);
	buf[n] = '\0';
	if (strcspn(buf, "\n") == size - 1)
		return "its first line is too long";
	if (memchr(buf, '\0', (size_t)n) != NULL)
		return "it holds a NUL byte";
	buf[strcspn(buf, "\r\n")] = '\0';
	return *buf == '\0' ? "its first line is empty" : NULL;
}

/* The password that a file holds, or NULL with an error. */
static char *
password_from_file(const struct ini_section *s, const struct ini_setting *set,
    struct conf_problems *p)
{
	char buf[INI_LINE_MAX + 2], *password = NULL;
	const char *reason;
	struct stat st;
	int fd;

	/* Not to wait for the other end of a pipe. */
	fd = open(set->value, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		reason = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		reason = "not a regular file";
	else
		reason = read_secret(fd, buf, sizeof(buf));
	if (reason != NULL)
		conf_problem(p, CONF_ERROR, s->file, set->line, "%s %s: %s",
		    set->key->name, set->value, reason);
	else if ((st.st_mode & S_IROTH) != 0)
		conf_problem(p, CONF_WARNING, s->file, set->line,
		    "%s %s: every user of the system can read it",
		    set->key->name, set->value);
	if (reason == NULL)
		password = xstrdup(buf);
	if (fd >= 0)
		close(fd);
	explicit_bzero(buf, sizeof(buf));
	return password;
}

/* The password that the environment holds, or NULL with an error. */
static char *
password_from_env(const struct ini_section *s, const struct ini_setting *set,
    struct conf_problems *p)
{
	const char *value = getenv(set->value);

	if (value != NULL && *value != '\0')
		return xstrdup(value);
	conf_problem(p, CONF_ERROR, s->file, set->line,
	    "%s: the variable %.100s is %s", set->key->name, set->value,
	    value == NULL ? "not set" : "empty");
	return NULL;
}

/* Fetch a password of a section from the one place that names it: the keys
 * prefix, prefix-file and prefix-env. */
static void
fetch_password(const struct ini_section *s, const char *prefix, char **password,
    struct conf_problems *p)
{
	const struct ini_setting *first = NULL, *set;
	const char *suffix;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		if (strncmp(set->key->name, prefix, strlen(prefix)) != 0)
			continue;
		if (first != NULL) {
			conf_problem(p, CONF_ERROR, s->file, set->line,
			    "%s besides %s at line %u: only one can hold the "
			    "password",
			    set->key->name, first->key->name, first->line);
			continue;
		}
		first = set;
		if (set->refused || *password != NULL)
			continue;
		suffix = set->key->name + strlen(prefix);
		if (strcmp(suffix, "-file") == 0)
			*password = password_from_file(s, set, p);
		else if (strcmp(suffix, "-env") == 0)
			*password = password_from_env(s, set, p);
	}
}

/* Fetch who else may look from the variables that hold it. */
static void
fetch_logins(
    const struct ini_section *s, struct conf_stats *t, struct conf_problems *p)
{
	const struct ini_setting *set;
	const char *reason;
	char *login;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		if (strcmp(set->key->name, "auth-env") != 0 || set->refused ||
		    (login = password_from_env(s, set, p)) == NULL)
			continue;
		reason = parse_login(t, login);
		if (reason != NULL)
			conf_problem(p, CONF_ERROR, s->file, set->line,
			    "auth-env: the variable %.100s: %s", set->value,
			    reason);
		free_secret(login);
	}
}

/* Apply the settings of a section to its object. */
static void
apply_settings(struct ini_section *s, struct conf_problems *p)
{
	struct key_value v = {.object = s->object};
	struct ini_setting *set;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		v.key = set->key;
		v.text = set->value;
		v.line = set->line;
		set->refused = set->key->parse(&v) != 0;
		if (set->refused)
			conf_problem(p, CONF_ERROR, s->file, set->line,
			    "%s: %s", set->key->name, v.error);
	}
}

/* Make the next backend of conf of its section. */
static void
build_backend(struct conf *conf, struct ini_section *s, struct conf_problems *p)
{
	struct conf_backend *b = &conf->backends[conf->nbackends++];

	s->object = b;
	b->name = xstrdup(s->name);
	b->line = s->line;
	b->place = s->place;
	key_defaults(SECTION_BACKEND, b);
	apply_settings(s, p);
	fetch_password(s, "password", &b->password, p);
	fetch_password(s, "sentinel-password", &b->sentinel_password, p);
}

/* Make the next frontend of conf of its section. */
static void
build_frontend(
    struct conf *conf, struct ini_section *s, struct conf_problems *p)
{
	struct conf_frontend *f = &conf->frontends[conf->nfrontends++];

	s->object = f;
	f->conf = conf;
	f->name = xstrdup(s->name);
	f->line = s->line;
	f->place = s->place;
	key_defaults(SECTION_FRONTEND, f);
	apply_settings(s, p);
}

/* Make the next place to look at of its section. */
static void
build_stats(struct conf *conf, struct ini_section *s, struct conf_problems *p)
{
	struct conf_stats *t = &conf->stats[conf->nstats++];

	s->object = t;
	t->name = xstrdup(s->name[0] == '\0' ? "stats" : s->name);
	t->line = s->line;
	t->place = s->place;
	key_defaults(SECTION_STATS, t);
	apply_settings(s, p);
	fetch_password(s, "password", &t->password, p);
	fetch_logins(s, t, p);
}

/* Set conf's global part; a log replaces the default one. */
static void
build_global(struct conf *conf, struct ini_section *s, struct conf_problems *p)
{
	s->object = &conf->global;
	if (ini_find(s, "log") != NULL)
		conf->global.nlogs = 0;
	apply_settings(s, p);
}

/* Make the model that the document describes. */
static void
build(struct conf *conf, struct ini *doc, struct conf_problems *p)
{
	static void (*const builders[])(struct conf *, struct ini_section *,
	    struct conf_problems *) = {[SECTION_BACKEND] = build_backend,
	    [SECTION_FRONTEND] = build_frontend,
	    [SECTION_GLOBAL] = build_global,
	    [SECTION_STATS] = build_stats};
	size_t i;

	/* Room for all, so that none moves. */
	conf->backends = xcalloc(doc->nsections + 1, sizeof(*conf->backends));
	conf->frontends = xcalloc(
	    doc->nsections + branch_room(doc) + 1, sizeof(*conf->frontends));
	conf->stats = xcalloc(doc->nsections + 1, sizeof(*conf->stats));
	for (i = 0; i < doc->nsections; i++) {
		doc->sections[i].place = (unsigned)i;
		builders[doc->sections[i].kind](conf, &doc->sections[i], p);
	}
}

/* The document as an .ini file, a new string. */
static char *
ini_text(const struct ini *doc, const struct conf_problems *p)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		fatal("out of memory");
	to_ini(f, doc, p);
	if (fclose(f) != 0)
		fatal("out of memory");
	return text;
}

/* Make and check what the document describes; path is taken over. NULL if that
 * or the reading before it added an error. *text, unless NULL, is the document
 * then. */
static struct conf *
finish(struct ini *doc, char *path, struct conf_problems *p, size_t before,
    char **text)
{
	struct conf *conf = conf_new();

	conf->path = path;
	conf->haproxy = doc->haproxy;
	build(conf, doc, p);
	if (!doc->broken)
		conf_check(conf, doc, p);
	if (text != NULL)
		*text = ini_text(doc, p);
	ini_clear(doc);
	if (p->errors == before)
		return conf;
	conf_free(conf);
	return NULL;
}

/* Load files. */
static struct conf *
load_files(const char *const *files, size_t nfiles, struct conf_problems *p,
    char **text)
{
	struct ini doc = {.sections = NULL};
	char *path = xstrdup(nfiles == 0 ? "" : files[0]);
	size_t before = p->errors;
	struct conf *conf;

	p->files = files;
	p->nfiles = nfiles;
	read_files(&doc, files, nfiles, p);
	conf = finish(&doc, path, p, before, text);
	p->nfiles = 0;
	return conf;
}

/* Load URLs. */
static struct conf *
load_urls(char *const *urls, size_t nurls, struct conf_problems *p, char **text)
{
	struct ini doc = {.sections = NULL};
	size_t before = p->errors;
	char *path = url_read(&doc, urls, nurls, p);

	return finish(&doc, path, p, before, text);
}

/* Load what there is. */
static struct conf *
load_source(const struct conf_source *s, struct conf_problems *p, char **text)
{
	struct files files;
	struct conf *conf;

	if (s->nurls > 0)
		return load_urls(s->urls, s->nurls, p, text);
	files_list(&files, s->files, s->nfiles);
	conf = load_files((const char *const *)files.names, files.n, p, text);
	files_clear(&files);
	return conf;
}

struct conf *
conf_load(const char *const *files, size_t nfiles, struct conf_problems *p)
{
	return load_files(files, nfiles, p, NULL);
}

struct conf *
conf_load_urls(char *const *urls, size_t nurls, struct conf_problems *p)
{
	return load_urls(urls, nurls, p, NULL);
}

struct conf *
conf_load_source(const struct conf_source *s, struct conf_problems *p)
{
	return load_source(s, p, NULL);
}

int
conf_print_ini(const struct conf_source *s, FILE *out, struct conf_problems *p)
{
	char *text;
	struct conf *conf = load_source(s, p, &text);
	int rc = conf == NULL ? -1 : 0;

	if (conf != NULL)
		fputs(text, out);
	free(text);
	conf_free(conf);
	return rc;
}

/* Is what the key stands for the same in both objects? */
static bool
is_same(const struct key *k, const void *a, const void *b)
{
	const char *fa = (const char *)a + k->offset;
	const char *fb = (const char *)b + k->offset;
	const char *ta, *tb;
	size_t na, nb;

	if (k->item > 0) {
		memcpy(&ta, fa, sizeof(ta));
		memcpy(&tb, fb, sizeof(tb));
		memcpy(&na, (const char *)a + k->count, sizeof(na));
		memcpy(&nb, (const char *)b + k->count, sizeof(nb));
		return na == nb &&
		       (na == 0 || memcmp(ta, tb, na * k->item) == 0);
	}
	if (!k->text)
		return memcmp(fa, fb, k->size) == 0;
	memcpy(&ta, fa, sizeof(ta));
	memcpy(&tb, fb, sizeof(tb));
	return strcmp(ta == NULL ? "" : ta, tb == NULL ? "" : tb) == 0;
}

void
conf_reload_warnings(const struct conf *running, const struct conf *next,
    struct conf_problems *p)
{
	size_t i;

	/* Only [global] has such keys. */
	for (i = 0; i < nkeys; i++) {
		if (keys[i].fixed &&
		    !is_same(&keys[i], &running->global, &next->global))
			conf_problem(p, CONF_WARNING, next->path, 0,
			    "%s of [%s] changed: that takes effect only at a "
			    "restart",
			    keys[i].name, key_section_words[keys[i].section]);
	}
}

/* May there be something at a path? */
static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int
conf_default_source(struct conf_source *s)
{
	static const char *const ours = CONF_DEFAULT_FILE;
	static const char *const haproxys = CONF_HAPROXY_FILE;
	static char url[] = DEFAULT_URL, *const urls[] = {url};
	bool ini = is_there(ours), cfg = is_there(haproxys);

	memset(s, 0, sizeof(*s));
	if (ini && cfg)
		return -1;
	if (ini || cfg) {
		s->files = ini ? &ours : &haproxys;
		s->nfiles = 1;
	} else {
		s->urls = urls;
		s->nurls = 1;
	}
	return 0;
}

void
conf_print_help(void)
{
	static const char *const names[] = {[NAMING_NONE] = "",
	    [NAMING_POSSIBLE] = " [NAME]",
	    [NAMING_NEEDED] = " NAME"};
	enum key_section section = SECTION_NONE;
	const struct key *k;
	size_t i;

	for (i = 0; i < nkeys; i++) {
		k = &keys[i];
		if (k->section != section) {
			section = k->section;
			printf("%s[%s%s]\n", i == 0 ? "" : "\n",
			    key_section_words[section],
			    names[key_section_naming(section)]);
		}
		printf("    %-22s %-10s %s%s%s\n", k->name,
		    k->defval == NULL ? "-" : k->defval, k->help,
		    k->repeat ? " (repeatable)" : "",
		    k->fixed ? " (at start only)" : "");
	}
}
