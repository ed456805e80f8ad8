/*
 * roleproxy ctl: the client of the control socket of a running roleproxy.
 */
#ifndef CTL_H
#define CTL_H

/* Run the command; argv[0] is "ctl". Returns the exit code. */
int ctl(int argc, char *argv[]);

#endif
