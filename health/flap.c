/*
 * Flapping.
 */
#include "health/flap.h"

enum flap_verdict
flap_change(struct flap *f, int64_t now)
{
	/* Withheld ones are told of by flap_calm() first. */
	if (f->withheld == 0 && now - f->began >= FLAP_QUIET_MS)
		f->changes = 0;
	if (f->changes == 0)
		f->began = now;
	f->last = now;
	f->changes++;
	if (f->changes < FLAP_CHANGES)
		return FLAP_LOG;
	if (f->changes == FLAP_CHANGES)
		return FLAP_LOG_END;
	f->withheld++;
	return FLAP_WITHHOLD;
}

unsigned
flap_calm(struct flap *f, int64_t now)
{
	unsigned n = f->withheld;

	if (n == 0 || now - f->last < FLAP_QUIET_MS)
		return 0;
	f->changes = f->withheld = 0;
	return n;
}
