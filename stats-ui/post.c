/*
 * The form of the page: which servers, what to do with them, and what came of
 * it. Who may is httpd.c's, what it does to a server operate.c's.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "health/operate.h"
#include "stats-ui/http.h"
#include "stats-ui/post.h"
#include "stats-ui/proxies.h"

#define SERVERS_MAX CONF_SERVERS_MAX /* named in one form */

const char *const post_actions[][2] = {{"ready", "ready"}, {"drain", "drain"},
    {"maint", "maintenance"}, {"hrunn", "health: up"},
    {"hnolb", "health: stopping"}, {"hdown", "health: down"},
    {"dhlth", "health: no checks"}, {"ehlth", "health: checks"},
    {"shutdown", "close sessions"}, {NULL, NULL}};

/* What a form says. */
struct form {
	char *proxy, *action;
	char *servers[SERVERS_MAX];
	size_t nservers;
};

/* The host of a URL or origin: what follows "//", up to the path. */
static bool
is_host(const char *url, const char *host)
{
	const char *at = strstr(url, "//");
	size_t n = strlen(host);

	return at != NULL && strncasecmp(at + 2, host, n) == 0 &&
	       (at[2 + n] == '\0' || at[2 + n] == '/' || at[2 + n] == '?');
}

bool
post_is_ours(
    const char *host, const char *origin, const char *referer, const char *site)
{
	if (site != NULL && strcmp(site, "same-origin") != 0 &&
	    strcmp(site, "none") != 0)
		return false;
	if (origin == NULL && referer == NULL)
		return true; /* browsers tell one of them: this is a script */
	return host != NULL && host[0] != '\0' &&
	       is_host(origin != NULL ? origin : referer, host);
}

/* Take the form apart; its values are decoded, on the heap. */
static void
read_form(char *body, struct form *f)
{
	char *save, *pair, *value;

	memset(f, 0, sizeof(*f));
	for (pair = strtok_r(body, "&\r\n", &save); pair != NULL;
	     pair = strtok_r(NULL, "&\r\n", &save)) {
		value = strchr(pair, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(pair, "b") == 0 && f->proxy == NULL)
			f->proxy = http_decode(value, true);
		else if (strcmp(pair, "action") == 0 && f->action == NULL)
			f->action = http_decode(value, true);
		else if (strcmp(pair, "s") == 0 && f->nservers < SERVERS_MAX)
			f->servers[f->nservers++] = http_decode(value, true);
	}
}

/* Forget it. */
static void
free_form(struct form *f)
{
	for (size_t i = 0; i < f->nservers; i++)
		free(f->servers[i]);
	free(f->proxy);
	free(f->action);
}

/* The backend of that name, or of that number behind a "#"; NULL if there is
 * none. */
static const struct conf_backend *
find_backend(const struct conf *conf, const char *name)
{
	const struct conf_backend *cb = conf->backends;

	for (size_t i = 0; i < conf->nbackends; i++, cb++)
		if (name[0] == '#' ? strtoul(name + 1, NULL, 10) ==
					 proxies_backend_iid(conf, cb)
				   : strcmp(cb->name, name) == 0)
			return cb;
	return NULL;
}

/* The server of that name. */
static const struct conf_server *
find_server(const struct conf_backend *cb, const char *name)
{
	for (size_t i = 0; i < cb->nservers; i++)
		if (strcmp(cb->servers[i].name, name) == 0)
			return &cb->servers[i];
	return NULL;
}

/* Is the word an action, if one that may do nothing here? */
static bool
is_action(const char *action)
{
	static const char *const others[] = {"enable", "disable", "stop",
	    "dagent", "eagent", "arunn", "adown", NULL};

	for (size_t i = 0; post_actions[i][0] != NULL; i++)
		if (strcmp(post_actions[i][0], action) == 0)
			return true;
	for (size_t i = 0; others[i] != NULL; i++)
		if (strcmp(others[i], action) == 0)
			return true;
	return false;
}

/* Set a state, if it is another one. */
static bool
set_state(const struct admin_ops *admin, const struct conf_server *cs,
    enum admin_state state)
{
	struct monitor_server ms = monitor_server(admin->monitor, cs);

	if (ms.admin != NULL && ms.admin->state == state)
		return false;
	operate_state(admin->monitor, cs, state);
	return true;
}

/* Close the sessions of a server. */
static void
close_sessions(const struct admin_ops *admin, const struct conf_server *cs)
{
	log_warn(
	    "server %s: its sessions are closed, by the operator", cs->name);
	admin->close_server(cs->id, admin->arg);
}

/* Do it to one server; false if that changes nothing. */
static bool
act(const struct admin_ops *admin, const struct conf_server *cs,
    const char *action)
{
	struct monitor *m = admin->monitor;

	if (strcmp(action, "ready") == 0 || strcmp(action, "enable") == 0)
		return set_state(admin, cs, ADMIN_READY);
	if (strcmp(action, "drain") == 0)
		return set_state(admin, cs, ADMIN_DRAIN);
	if (strcmp(action, "maint") == 0 || strcmp(action, "disable") == 0 ||
	    strcmp(action, "stop") == 0)
		return set_state(admin, cs, ADMIN_MAINT);
	if (strcmp(action, "hrunn") == 0)
		operate_health(m, cs, ADMIN_UP);
	else if (strcmp(action, "hnolb") == 0)
		operate_health(m, cs, ADMIN_STOPPING);
	else if (strcmp(action, "hdown") == 0)
		operate_health(m, cs, ADMIN_DOWN);
	else if (strcmp(action, "dhlth") == 0)
		operate_checks(m, cs, false);
	else if (strcmp(action, "ehlth") == 0)
		operate_checks(m, cs, true);
	else if (strcmp(action, "shutdown") == 0)
		close_sessions(admin, cs);
	else
		return false; /* there are no agents */
	return true;
}

/* Do it to all that the form names. */
static const char *
run_form(const struct stats_source *src, const struct admin_ops *admin,
    const struct form *f)
{
	const struct conf_backend *cb;
	const struct conf_server *cs;
	size_t changed = 0;

	if (f->proxy == NULL || f->action == NULL || !is_action(f->action))
		return "ERRP";
	cb = find_backend(src->conf(src->arg), f->proxy);
	if (cb == NULL)
		return "ERRP";
	for (size_t i = 0; i < f->nservers; i++) {
		cs = f->servers[i] == NULL ? NULL
					   : find_server(cb, f->servers[i]);
		if (cs == NULL || !act(admin, cs, f->action))
			continue;
		changed++;
	}
	if (changed == 0)
		return "NONE";
	return changed == f->nservers ? "DONE" : "PART";
}

const char *
post_run(
    const struct stats_source *src, const struct admin_ops *admin, char *body)
{
	struct form *f = xcalloc(1, sizeof(*f));
	const char *status;

	read_form(body, f);
	status = run_form(src, admin, f);
	free_form(f);
	free(f);
	return status;
}

const char *
post_sentence(const char *status)
{
	static const char *const words[][2] = {{"DONE", "It is done."},
	    {"NONE", "Nothing has changed."},
	    {"PART", "It is done, but not for all of these servers."},
	    {"ERRP", "That could not be done: there is no such action or no "
		     "such backend."},
	    {"EXCD", "That could not be done: too many servers at a time."},
	    {"DENY", "That is not allowed here."},
	    {"IVAL", "That could not be done: a value is not valid."}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], status) == 0)
			return words[i][1];
	return NULL;
}
