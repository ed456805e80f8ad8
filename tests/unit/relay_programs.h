/*
 * Two programs that talk through a relay, over real sockets: what the tests of
 * proxy/relay.c are made of. What a function expects that is not so fails the
 * test.
 */
#ifndef TESTS_RELAY_PROGRAMS_H
#define TESTS_RELAY_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/relay.h"

#define SMALL   4096
#define BULK    (4u * 1024 * 1024)
#define PATIENT 20000 /* ms until a test gives up */
#define FOREVER INT64_MAX

/* One program that talks through the relay: what it has sent and received. */
struct program {
	int fd; /* its own socket; -1 closed */
	struct endpoint *end;
	uint32_t seed; /* of the bytes that it sends */
	uint64_t sent, received;
	bool eof, reset;
};

/* One relay at a time. */
extern struct event_base *base;
extern struct relay r;
extern struct program client, server;
extern enum relay_result result;
extern int64_t read_until;
extern short seen; /* all events so far */
extern char buffer[RELAY_BUFFER];
extern bool tcp;

/* A relay between two programs. */
void start(bool over_tcp, int room);

/* Close a program's socket. */
void leave(struct program *p);

/* And everything. */
void stop(void);

/* Handle the events there are, and what was left over for lack of budget. */
void turn(void);

/* Send up to n bytes of its stream; how many the socket took. */
size_t send_some(struct program *p, size_t n);

/* Receive up to n bytes; they are what the other has sent. */
size_t receive_some(struct program *p, size_t n);

/* Time to give up? */
bool is_late(int64_t since);

/* Receive until so many bytes are there. */
void receive_all(struct program *p, uint64_t n);

/* Receive until the end of file, which comes after so many bytes. */
void receive_eof(struct program *p, uint64_t n);

/* Wait for a result other than RELAY_ON. */
void expect_result(enum relay_result expected);

/* Both are through: close, as a session does; p's end of file comes after so
 * many bytes. */
void finish(struct program *p, uint64_t n);

/* Let everything settle: nothing has come for some turns. */
void settle(void);

/* Send until nothing is taken any more, turn after turn. */
void send_until_full(struct program *p);

/* Bytes are waiting in the socket of this end. */
void wait_readable(const struct endpoint *e);

/* The byte at that place of a program's stream. */
char byte_at(const struct program *p, uint64_t at);

#endif
