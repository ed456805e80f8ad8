/*
 * Loading: from files to a model, by way of the reader (ini.c), the parsers
 * (parse.c) and the checks (check.c). What is fetched from outside, passwords,
 * is fetched here.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/check.h"
#include "conf/ini.h"
#include "conf/keys.h"
#include "conf/load.h"

#define DEFAULT_FILE "/etc/roleproxy/roleproxy.ini"

/* Does the name end like that? */
static bool
ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && strcmp(name + len - n, end) == 0;
}

/* Read one file into doc. What was in the buffer may be secret. */
static void
read_file(struct ini *doc, const char *file, struct conf_problems *p)
{
	char buffer[4096];
	FILE *f;

	if (ends_with(file, ".cfg")) {
		conf_problem(p, CONF_ERROR, file, 0,
		    "haproxy.cfg is not read yet in this release: see "
		    "roleproxy.ini(5)");
		doc->broken = true;
		return;
	}
	f = fopen(file, "re");
	if (f == NULL) {
		conf_problem(
		    p, CONF_ERROR, file, 0, "cannot open: %s", strerror(errno));
		doc->broken = true;
		return;
	}
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	ini_read(doc, f, file, p);
	fclose(f);
	explicit_bzero(buffer, sizeof(buffer));
}

/* Read the first line of an open file into buf. -1 with the reason. */
static int
read_secret_line(int fd, char *buf, size_t size, const char **reason)
{
	ssize_t n = read(fd, buf, size - 1);

	if (n < 0) {
		*reason = strerror(errno);
		return -1;
	}
	buf[n] = '\0';
	if (strcspn(buf, "\n") == size - 1)
		*reason = "its first line is too long";
	else if (memchr(buf, '\0', (size_t)n) != NULL)
		*reason = "it holds a NUL byte";
	buf[strcspn(buf, "\r\n")] = '\0';
	if (*reason == NULL && *buf == '\0')
		*reason = "its first line is empty";
	return *reason == NULL ? 0 : -1;
}

/* The password that a file holds, or NULL with an error. */
static char *
password_from_file(const struct ini_section *s, const struct ini_setting *set,
    struct conf_problems *p)
{
	char buf[INI_LINE_MAX + 2], *password = NULL;
	const char *reason = NULL;
	struct stat st = {.st_mode = 0};
	int fd;

	/* Not to wait for the other end of a pipe. */
	fd = open(set->value, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		reason = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		reason = "not a regular file";
	else if (read_secret_line(fd, buf, sizeof(buf), &reason) == 0)
		password = xstrdup(buf);
	if (reason != NULL)
		conf_problem(p, CONF_ERROR, s->file, set->line,
		    "password-file %s: %s", set->value, reason);
	else if ((st.st_mode & S_IROTH) != 0)
		conf_problem(p, CONF_WARNING, s->file, set->line,
		    "password-file %s: every user of the system can read it",
		    set->value);
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
	    "password-env: the variable %.100s is %s", set->value,
	    value == NULL ? "not set" : "empty");
	return NULL;
}

/* Fetch the password of a section, from the one place that names it. */
static void
fetch_password(
    const struct ini_section *s, char **password, struct conf_problems *p)
{
	const struct ini_setting *first = NULL, *set;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		if (strncmp(set->key->name, "password", 8) != 0)
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
		if (strcmp(set->key->name, "password-file") == 0)
			*password = password_from_file(s, set, p);
		else if (strcmp(set->key->name, "password-env") == 0)
			*password = password_from_env(s, set, p);
	}
}

/* Apply the settings of a section to its object. */
static void
apply_settings(struct ini_section *s, struct conf_problems *p)
{
	struct ini_setting *set;
	char error[KEY_ERROR_MAX];
	struct key_text text;
	size_t i;

	for (i = 0; i < s->nsettings; i++) {
		set = &s->settings[i];
		text.value = set->value;
		text.line = set->line;
		set->refused =
		    set->key->parse(set->key, &text, s->object, error) != 0;
		if (set->refused)
			conf_problem(p, CONF_ERROR, s->file, set->line,
			    "%s: %s", set->key->name, error);
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
	key_defaults(SECTION_BACKEND, b);
	apply_settings(s, p);
	fetch_password(s, &b->password, p);
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
	key_defaults(SECTION_FRONTEND, f);
	apply_settings(s, p);
}

/* Set conf's global or stats part; conf_new() has set the defaults. */
static void
build_single(struct conf *conf, struct ini_section *s, struct conf_problems *p)
{
	if (s->kind == SECTION_STATS) {
		s->object = &conf->stats;
		conf->stats.line = s->line;
		apply_settings(s, p);
		fetch_password(s, &conf->stats.password, p);
		return;
	}
	s->object = &conf->global;
	if (ini_find(s, "log") != NULL)
		conf->global.nlogs = 0;
	apply_settings(s, p);
}

/* Make the model that the document describes. */
static void
build(struct conf *conf, struct ini *doc, struct conf_problems *p)
{
	struct ini_section *s;
	size_t i;

	/* Room for all, so that none moves. */
	conf->backends = xcalloc(doc->nsections + 1, sizeof(*conf->backends));
	conf->frontends = xcalloc(doc->nsections + 1, sizeof(*conf->frontends));
	for (i = 0; i < doc->nsections; i++) {
		s = &doc->sections[i];
		if (s->kind == SECTION_BACKEND)
			build_backend(conf, s, p);
		else if (s->kind == SECTION_FRONTEND)
			build_frontend(conf, s, p);
		else
			build_single(conf, s, p);
	}
}

struct conf *
conf_load(const char *const *files, size_t nfiles, struct conf_problems *p)
{
	struct ini doc = {.sections = NULL};
	struct conf *conf = conf_new();
	size_t i, before = p->errors;

	conf->path = xstrdup(nfiles == 0 ? "" : files[0]);
	for (i = 0; i < nfiles; i++)
		read_file(&doc, files[i], p);
	build(conf, &doc, p);
	if (!doc.broken)
		conf_check(conf, &doc, p);
	ini_clear(&doc);
	conf_problems_sort(p, files, nfiles);
	if (p->errors == before)
		return conf;
	conf_free(conf);
	return NULL;
}

void
conf_reload_warnings(const struct conf *running, const struct conf *next,
    struct conf_problems *p)
{
	size_t i;

	/* Only [global] has such keys. */
	for (i = 0; i < nkeys; i++) {
		if (keys[i].fixed &&
		    !key_same(&keys[i], &running->global, &next->global))
			conf_problem(p, CONF_WARNING, next->path, 0,
			    "%s of [%s] changed: that takes effect only at a "
			    "restart",
			    keys[i].name, key_section_str(keys[i].section));
	}
}

const char *
conf_default_file(struct conf_problems *p)
{
	if (access(DEFAULT_FILE, F_OK) == 0)
		return DEFAULT_FILE;
	conf_problem(p, CONF_ERROR, DEFAULT_FILE, 0,
	    "%s: name a configuration with -f", strerror(errno));
	return NULL;
}

void
conf_print_help(void)
{
	enum key_section section = SECTION_NONE;
	const struct key *k;
	size_t i;

	for (i = 0; i < nkeys; i++) {
		k = &keys[i];
		if (k->section != section) {
			section = k->section;
			printf("%s[%s%s]\n", i == 0 ? "" : "\n",
			    key_section_str(section),
			    key_section_named(section) ? " NAME" : "");
		}
		printf("    %-16s %-10s %s%s%s\n", k->name,
		    k->defval == NULL ? "-" : k->defval, k->help,
		    k->repeat ? " (repeatable)" : "",
		    k->fixed ? " (at start only)" : "");
	}
}
