/*
 * haproxy.cfg: acl, tcp-request, use_backend, use-server. Rules about the
 * client's address become lists of networks; conditions that ask for servers
 * are kept for use-backend =, or, if they ask Sentinels, for cfg_sentinel.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/cfg_reader.h"
#include "conf/rule_text.h"

/* The condition of a rule: clients of these networks, or all but these. */
struct condition {
	bool all, none, negated;
	struct cfg_list nets;
};

/* The length of a mask, "8" or "255.0.0.0"; -1 with an error. */
static int
mask_length(struct cfg *c, const char *text)
{
	struct addr mask;
	uint32_t m;
	int64_t bits = 0;

	if (strchr(text, '.') == NULL)
		return cfg_count(c, "src", text, 0, 32, &bits) == 0 ? (int)bits
								    : -1;
	if (addr_parse_ip(text, 1, &mask) == 0 && mask.family == AF_INET) {
		for (m = ntohl(mask.u.v4.s_addr); m >> 31 != 0; m <<= 1)
			bits++;
		if (m == 0)
			return (int)bits;
	}
	cfg_error(c, "'%.60s' is not the mask of a network", text);
	return -1;
}

/* A network as allow = takes it: HAProxy also takes bits set behind the length,
 * and masks. NULL with an error. */
static const char *
network(struct cfg *c, const char *text)
{
	char host[ADDR_STR_MAX], *slash;
	struct addr_net net;
	struct addr a;
	int bits;

	if (addr_net_parse(text, &net) == 0)
		return text;
	snprintf(host, sizeof(host), "%.100s", text);
	if ((slash = strchr(host, '/')) != NULL)
		*slash++ = '\0';
	if (slash == NULL || addr_parse_ip(host, 1, &a) != 0 ||
	    a.family != AF_INET) {
		cfg_error(c, "'%.60s' is not an address or a network", text);
		return NULL;
	}
	if ((bits = mask_length(c, slash)) < 0)
		return NULL;
	a.u.v4.s_addr &= htonl(bits == 0 ? 0 : 0xffffffffU << (32 - bits));
	addr_str(&a, host);
	*strrchr(host, ':') = '\0';
	return cfg_format(c, "%s/%d", host, bits);
}

/* The networks behind "src"; false if it asks for something else. end: the word
 * that ends them, NULL the line's. Errors are said. */
static bool
networks(struct cfg *c, char **w, const char *end, struct cfg_list *nets)
{
	const char *net;
	size_t before = c->p->errors;

	if (strcmp(w[0], "src") != 0)
		return false;
	for (w++; *w != NULL && (end == NULL || strcmp(*w, end) != 0); w++) {
		if ((*w)[0] == '-' && strcmp(*w, "--") != 0) {
			cfg_error(c,
			    "'src %.40s' is not possible here: write "
			    "the networks into the line",
			    *w);
			return true;
		}
		net = strcmp(*w, "--") == 0 ? NULL : network(c, *w);
		if (net != NULL)
			cfg_list_add(c, nets, net);
	}
	if (nets->n == 0 && c->p->errors == before)
		cfg_error(c, "'src' expects networks");
	return true;
}

/* Words with blanks between them. */
static const char *
join_words(struct cfg *c, char **w)
{
	const char *text = *w == NULL ? "" : *w;

	for (w += *w != NULL; *w != NULL; w++)
		text = cfg_format(c, "%s %s", text, *w);
	return text;
}

/* acl NAME src NET...; lines of one name add up. */
void
cfg_acl(struct cfg *c, char **w)
{
	struct cfg_acl *a;

	if (w[1] == NULL || w[2] == NULL) {
		cfg_error(c, "'acl' expects a name and a criterion");
		return;
	}
	for (a = c->proxy->acls; a != NULL; a = a->next) {
		if (strcmp(a->name, w[1]) == 0)
			break;
	}
	if (a == NULL) {
		a = cfg_alloc(c, sizeof(*a));
		a->name = cfg_keep(c, w[1]);
		a->paths = true;
		a->next = c->proxy->acls;
		c->proxy->acls = a;
	}
	a->criterion = a->other || a->nets.n > 0 ? NULL : join_words(c, w + 2);
	a->other |= !networks(c, w + 2, NULL, &a->nets);
	a->paths &= strncmp(w[2], "path", 4) == 0;
}

bool
cfg_asks_path(const struct cfg *c, char **w)
{
	const struct cfg_acl *a;
	size_t n = 0;

	while (w[n] != NULL)
		n++;
	if (n < 2 || strcmp(w[0], "if") != 0)
		return n == 0;
	if (strcmp(w[1], "{") == 0)
		return n > 3 && strncmp(w[2], "path", 4) == 0 &&
		       parse_word_index((const char *const *)w, "}") ==
			   (int)n - 1;
	for (a = c->proxy->acls; a != NULL; a = a->next) {
		if (n == 2 && strcmp(a->name, w[1]) == 0)
			return a->paths;
	}
	return false;
}

/* Append a list to another, without what that has. */
static void
join(struct cfg *c, struct cfg_list *to, const struct cfg_list *from)
{
	const struct cfg_item *i;

	for (i = from->first; i != NULL; i = i->next) {
		if (!cfg_list_has(to, i->v.text))
			cfg_list_add(c, to, i->v.text);
	}
}

/* The networks that the name of an acl stands for; -1 with an error. */
static int
named(struct cfg *c, const char *name, struct condition *cond)
{
	const struct cfg_acl *a;

	for (a = c->proxy->acls; a != NULL; a = a->next) {
		if (strcmp(a->name, name) != 0)
			continue;
		if (a->other) {
			cfg_error(c,
			    "acl '%.63s' asks for more than src: rules can "
			    "ask for the client's address only",
			    name);
			return -1;
		}
		join(c, &cond->nets, &a->nets);
		return 0;
	}
	if (strcmp(name, "TRUE") == 0 || strcmp(name, "ALWAYS_TRUE") == 0)
		cond->all = true;
	else if (strcmp(name, "FALSE") == 0 ||
		 strcmp(name, "ALWAYS_FALSE") == 0)
		cond->none = true;
	else if (strcmp(name, "LOCALHOST") == 0) {
		cfg_list_add(c, &cond->nets, "127.0.0.0/8");
		cfg_list_add(c, &cond->nets, "::1");
	} else {
		cfg_error(c, "no acl '%.63s' stands above", name);
		return -1;
	}
	return 0;
}

/* One term: NAME or { src NET... }. Returns the words it took, -1 with an
 * error. */
static int
term(struct cfg *c, char **w, struct condition *cond)
{
	int n = 1;

	if (strcmp(w[0], "{") != 0)
		return named(c, w[0], cond) == 0 ? 1 : -1;
	while (w[n] != NULL && strcmp(w[n], "}") != 0)
		n++;
	if (w[n] == NULL || n == 1) {
		cfg_error(c, "'{' without a criterion and '}'");
		return -1;
	}
	if (!networks(c, w + 1, "}", &cond->nets)) {
		cfg_error(c,
		    "'{ %.40s ... }': rules can ask for the client's address "
		    "(src) only",
		    w[1]);
		return -1;
	}
	return n + 1;
}

/* Skip a '!' before a term. */
static bool
is_negated(char ***w)
{
	if (**w == NULL || (**w)[0] != '!')
		return false;
	if (*++**w == '\0')
		++*w;
	return true;
}

/* Skip the "or" between two terms. */
static bool
is_or(char ***w)
{
	if (strcmp(**w, "or") != 0 && strcmp(**w, "||") != 0)
		return false;
	++*w;
	return true;
}

/* Nobody is not everybody. */
static void
settle(struct condition *cond)
{
	if (cond->none && !cond->all && cond->nets.n == 0) {
		cond->all = true;
		cond->negated = !cond->negated;
	}
}

/* if|unless TERM [or TERM]..., or if|unless !TERM [!TERM]...; nothing is all.
 * -1 with an error. */
static int
condition(struct cfg *c, char **w, struct condition *cond)
{
	bool unless, negated;
	int n;

	cond->all = w[0] == NULL;
	if (cond->all)
		return 0;
	unless = strcmp(w[0], "unless") == 0;
	if (!unless && strcmp(w[0], "if") != 0) {
		cfg_error(
		    c, "'%.40s': 'if' and a condition are expected", w[0]);
		return -1;
	}
	w++;
	negated = is_negated(&w);
	cond->negated = negated != unless;
	while (*w != NULL) {
		if ((n = term(c, w, cond)) < 0)
			return -1;
		w += n;
		if (*w == NULL) {
			settle(cond);
			return 0;
		}
		if (is_or(&w) == negated || is_negated(&w) != negated)
			break;
	}
	cfg_error(c, "this condition is not possible here: networks joined by "
		     "'or', or all of them with '!', are");
	return -1;
}

/* Every address. */
static void
everyone(struct cfg *c, struct cfg_list *list)
{
	cfg_list_add(c, list, "0.0.0.0/0");
	cfg_list_add(c, list, "::/0");
}

/* A rule that accepts. */
static void
accept_rule(struct cfg *c, struct cfg_access *a, const struct condition *cond)
{
	if (cond->all)
		return; /* that ends them, see add_rule() */
	if (cond->negated)
		cfg_error(c, "'accept' of all but some is not possible here: "
			     "write 'reject if' them");
	else
		join(c, &a->accepted, &cond->nets);
}

/* A rule that rejects: what was accepted before is exempt. */
static void
reject_rule(struct cfg *c, struct cfg_access *a, const struct condition *cond)
{
	bool only = cond->all || cond->negated;

	if (cond->all && cond->negated)
		return;
	if (only && a->only)
		cfg_error(c, "a second rule that lets only some in is not "
			     "possible here: write one");
	else if (!only && a->accepted.n > 0)
		cfg_error(c, "'reject' of some behind 'accept' of some is not "
			     "possible here: write it before");
	else if (!only)
		join(c, &a->deny, &cond->nets);
	else {
		a->only = true;
		a->late = a->level > 1;
		join(c, &a->allow, &a->accepted);
		if (!cond->all)
			join(c, &a->allow, &cond->nets);
		if (a->allow.n == 0)
			everyone(c, &a->deny);
	}
}

/* Add a rule to those of a section. HAProxy asks the rules of each level for
 * themselves: what one accepts another can reject. */
static void
add_rule(
    struct cfg *c, int level, const char *action, const struct condition *cond)
{
	struct cfg_access *a = &c->proxy->access;

	if (a->level != level && (a->accepted.n > 0 || a->closed)) {
		cfg_error(c, "'accept' above holds for rules of its own level "
			     "only: write them all as tcp-request connection");
		return;
	}
	a->level = level;
	if (a->closed)
		return;
	if (*action == 'a')
		accept_rule(c, a, cond);
	else
		reject_rule(c, a, cond);
	a->closed = cond->all && !cond->negated;
}

/* tcp-request connection expect-proxy layer4 [if CONDITION]. */
static void
expect_proxy(struct cfg *c, char **w)
{
	struct cfg_access *a = &c->proxy->access;
	struct condition cond = {.all = false};

	if (w[0] == NULL || strcmp(w[0], "layer4") != 0)
		cfg_error(c, "'expect-proxy' expects layer4");
	else if (condition(c, w + 1, &cond) != 0)
		return;
	else if (cond.negated || a->closed || a->accepted.n > 0)
		cfg_error(c, "'expect-proxy' of all but some, or behind "
			     "'accept', is not possible here: name the "
			     "networks, above 'accept'");
	else if (cond.all)
		cfg_list_add(c, &c->proxy->proxies, "on");
	else
		join(c, &c->proxy->proxies, &cond.nets);
}

/* tcp-request connection|session|content accept|reject [if CONDITION]. */
void
cfg_tcp_request(struct cfg *c, char **w)
{
	static const char *const levels[] = {
	    "connection", "session", "content", NULL};
	static const char *const actions[] = {"accept", "reject", NULL};
	struct condition cond = {.all = false};
	int level = w[1] == NULL ? -1 : parse_word_index(levels, w[1]);
	int64_t ms;

	if (w[1] != NULL && strcmp(w[1], "inspect-delay") == 0)
		(void)cfg_time(c, "tcp-request inspect-delay", w[2], "ms", &ms);
	else if (level < 0 || w[2] == NULL)
		cfg_error(c, "'tcp-request' expects connection, session or "
			     "content, and accept or reject");
	else if (level == 0 && strcmp(w[2], "expect-proxy") == 0 &&
		 c->kind != CFG_DEFAULTS)
		expect_proxy(c, w + 3);
	else if (parse_word_index(actions, w[2]) < 0)
		cfg_error(c,
		    "'tcp-request %s %.40s' is not possible here: accept and "
		    "reject are",
		    w[1], w[2]);
	else if (c->kind == CFG_DEFAULTS)
		cfg_error(c, "'tcp-request' in defaults is not possible here: "
			     "write it into each section");
	else if (condition(c, w + 3, &cond) == 0)
		add_rule(c, level + 1, w[2], &cond);
}

/* NAME of "word(NAME)", NULL if it is something else. */
static const char *
argument(struct cfg *c, const char *text, const char *word)
{
	size_t len = strlen(word), end = strlen(text);

	if (strncmp(text, word, len) != 0 || text[len] != '(' ||
	    text[end - 1] != ')')
		return NULL;
	return cfg_format(c, "%.*s", (int)(end - len - 2), text + len + 1);
}

/* { srv_is_up(S) } { nbsrv(B) ge N } in either order: who is asked whether the
 * target is the master. False if it is something else. */
static bool
asks_sentinels(struct cfg *c, char **w, struct cfg_use *u)
{
	static const char *const than[] = {"ge", "gt", "eq", NULL};

	for (; *w != NULL; w++) {
		if (strcmp(*w, "{") != 0 || w[1] == NULL || w[2] == NULL)
			return false;
		if (u->up == NULL &&
		    (u->up = argument(c, w[1], "srv_is_up")) != NULL) {
			w += 2;
		} else if (u->asked == NULL &&
			   (u->asked = argument(c, w[1], "nbsrv")) != NULL) {
			if (parse_word_index(than, w[2]) < 0 || w[3] == NULL ||
			    w[4] == NULL)
				return false;
			w += 4;
		} else {
			return false;
		}
		if (strcmp(*w, "}") != 0)
			return false;
	}
	return u->asked != NULL;
}

/* The criterion that a word of a condition stands for, in braces; the word
 * itself if it names no acl. */
static const char *
spell_out(struct cfg *c, const char *word)
{
	const struct cfg_acl *a;
	bool negated = word[0] == '!' && word[1] != '\0';

	for (a = c->proxy->acls; a != NULL; a = a->next) {
		if (a->criterion != NULL &&
		    strcmp(a->name, word + negated) == 0)
			return cfg_format(
			    c, "%s{ %s }", negated ? "! " : "", a->criterion);
	}
	return word;
}

/* What stands behind use_backend's name as use-backend = takes it, or NULL. */
static const char *
plain_rule(struct cfg *c, char **w)
{
	struct rule_text *rule = xcalloc(1, sizeof(*rule));
	const char *text = cfg_keep(c, *w);
	char reason[256];
	bool inside = false;
	int rc;

	for (w++; *w != NULL; w++) {
		text = cfg_format(
		    c, "%s %s", text, inside ? *w : spell_out(c, *w));
		if (strcmp(*w, "{") == 0 || strcmp(*w, "!{") == 0)
			inside = true;
		else if (strcmp(*w, "}") == 0)
			inside = false;
	}
	rc = rule_parse(
	    cfg_format(c, "x %s", text), rule, reason, sizeof(reason));
	free(rule);
	return rc == 0 ? text : NULL;
}

void
cfg_refuse_use(struct cfg *c, const char *what)
{
	if (strcmp(what, "use-server") == 0)
		cfg_error(c, "this condition of 'use-server' is not possible "
			     "here: with the words srv_is_up and nbsrv the "
			     "servers of Sentinels can be named");
	else
		cfg_error(c, "this condition of 'use_backend' is not possible "
			     "here: { nbsrv(BACKEND) gt|ge|eq|le|lt N } and "
			     "{ srv_is_up(BACKEND/SERVER) } are, and what is "
			     "joined of them");
}

/* Remember that a target is used under a condition. */
static void
add_use(struct cfg *c, char **w, struct cfg_use **list)
{
	struct cfg_use *u = cfg_alloc(c, sizeof(*u));

	while (*list != NULL)
		list = &(*list)->next;
	u->target = cfg_keep(c, w[1]);
	u->line = c->place.line;
	if (strcmp(w[0], "use_backend") == 0)
		u->rule = plain_rule(c, w + 2);
	if (strcmp(w[2], "if") != 0 || !asks_sentinels(c, w + 3, u))
		u->asked = NULL;
	if (u->asked != NULL || u->rule != NULL)
		*list = u;
	else
		cfg_refuse_use(c, w[0]);
}

/* use_backend NAME [if ...]. */
void
cfg_use_backend(struct cfg *c, char **w)
{
	struct cfg_proxy *x = c->proxy;

	if (w[1] == NULL)
		cfg_error(c, "'use_backend' expects a name");
	else if (w[2] == NULL ||
		 (strcmp(w[2], "if") == 0 && w[3] != NULL && w[4] == NULL &&
		     strcmp(w[3], "TRUE") == 0)) {
		if (x->always.line == 0)
			x->always = cfg_text(c, w[1]);
	} else if (x->always.line != 0)
		cfg_warn(c,
		    "'use_backend %.63s' is never reached: line %u "
		    "uses '%s' for all",
		    w[1], x->always.line, x->always.text);
	else
		add_use(c, w, &x->uses);
}

/* use-server NAME if ... */
void
cfg_use_server(struct cfg *c, char **w)
{
	if (w[1] == NULL || w[2] == NULL || w[3] == NULL)
		cfg_error(c, "'use-server' expects a server and a condition");
	else
		add_use(c, w, &c->proxy->servers_used);
}
