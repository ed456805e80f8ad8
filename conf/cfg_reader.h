/*
 * The reader of haproxy.cfg while it reads: what the handlers of its directives
 * work on, and their tables.
 */
#ifndef CONF_CFG_READER_H
#define CONF_CFG_READER_H

#include "conf/cfg_model.h"
#include "conf/cfg_words.h"
#include "conf/ini.h"

struct cfg_global {
	struct cfg_list logs; /* as log = takes them */
	bool sessions;        /* one of them takes lines about sessions */
	struct cfg_number workers, maxconn, hard_stop, timeout;
	struct cfg_text pidfile, user, group, daemon, tag, hostname;
	struct cfg_list sockets; /* as control-socket = takes them */
};

struct cfg {
	struct conf_problems *p; /* (borrowed) */
	size_t before;           /* its errors when reading began */
	struct cfg_place place;  /* what is being read */
	enum cfg_kind kind;      /* of the section */
	bool no;                 /* the line begins with "no" */
	struct cfg_words words;
	struct cfg_global global;
	struct cfg_proxy *proxies, *last;
	struct cfg_proxy *proxy;    /* of the section, NULL none */
	struct cfg_proxy *defaults; /* those that hold now, NULL none */
	size_t nbinds, nservers;
	struct cfg_block *pool;
};

#define cfg_error(c, ...) \
	conf_problem(     \
	    (c)->p, CONF_ERROR, (c)->place.file, (c)->place.line, __VA_ARGS__)
#define cfg_warn(c, ...)                                                     \
	conf_problem((c)->p, CONF_WARNING, (c)->place.file, (c)->place.line, \
	    __VA_ARGS__)

/* What lives until cfg_finish(): zeros, a copy, a text. Never NULL. */
void *cfg_alloc(struct cfg *c, size_t size);
char *cfg_keep(struct cfg *c, const char *text);
char *cfg_format(struct cfg *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Append a text, kept, with the line that is being read. */
void cfg_list_add(struct cfg *c, struct cfg_list *list, const char *text);
bool cfg_list_has(const struct cfg_list *list, const char *text);
void cfg_list_copy(
    struct cfg *c, struct cfg_list *to, const struct cfg_list *from);
struct cfg_text cfg_text(struct cfg *c, const char *text);

/* Read a time with that unit where none stands, a number, a tcp-ut; -1 with an
 * error that begins with what. A text of NULL is missing. */
int cfg_time(struct cfg *c, const char *what, const char *text,
    const char *unit, int64_t *ms);
int cfg_count(struct cfg *c, const char *what, const char *text, unsigned min,
    unsigned max, int64_t *n);
void cfg_user_timeout(struct cfg *c, const char *what, const char *text);
/* Is there a word behind what, and nothing more? Else an error. */
bool cfg_one(struct cfg *c, const char *what, char **rest);

/* A text as a log-format that comes to it. */
char *cfg_escape(struct cfg *c, const char *text);

/* Say that what (a directive, an option...) is unknown, and which was meant. */
void cfg_unknown(
    struct cfg *c, const char *what, const char *word, const char *nearest);

/* Does a condition, from "if" on, ask for one path at most? */
bool cfg_asks_path(const struct cfg *c, char **w);

/* Say that a condition of use_backend or use-server cannot be had. */
void cfg_refuse_use(struct cfg *c, const char *what);

/* A directive's handler: w[0] is its name, a NULL ends the words. */
typedef void cfg_handler(struct cfg *c, char **w);

/* What becomes of a directive, an option or a parameter without a handler. */
enum cfg_class {
	CFG_DO,      /* it has a handler or a field */
	CFG_NOTHING, /* it does nothing to TCP, in HAProxy neither */
	CFG_TUNING,  /* it tunes HAProxy: a warning */
	CFG_WARN,    /* it is left out: a warning with why */
	CFG_ERROR    /* it would be missed: an error with why */
};

#define IN_GLOBAL   1U
#define IN_DEFAULTS 2U
#define IN_FRONT    4U /* frontend, listen */
#define IN_BACK     8U /* backend, listen */
#define IN_PROXY    (IN_DEFAULTS | IN_FRONT | IN_BACK)

struct cfg_directive {
	const char *name;
	unsigned where;
	enum cfg_class class;
	cfg_handler *handler; /* of CFG_DO */
	const char *why;      /* of CFG_WARN, CFG_ERROR */
};

extern const struct cfg_directive cfg_directives[];
extern const size_t cfg_ndirectives;

/* Warn or refuse by the class; what is a directive, an option... */
void cfg_classed(
    struct cfg *c, enum cfg_class class, const char *what, const char *why);

cfg_handler cfg_acl, cfg_balance, cfg_bind, cfg_check_rule, cfg_daemon,
    cfg_default_backend, cfg_default_server, cfg_global_log, cfg_global_number,
    cfg_global_stats, cfg_global_text, cfg_disabled, cfg_environment,
    cfg_http_check, cfg_http_request, cfg_http_rule, cfg_keepalive, cfg_log,
    cfg_log_format, cfg_log_hostname, cfg_log_tag, cfg_mode, cfg_monitor_uri,
    cfg_number_of, cfg_old_timeout, cfg_option, cfg_server, cfg_server_template,
    cfg_stats, cfg_tcp_request, cfg_timeout, cfg_unix_bind, cfg_use_backend,
    cfg_use_server;

#endif
