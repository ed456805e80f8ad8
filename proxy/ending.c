/*
 * The one table of ends. Where HAProxy has the case its letters are those of
 * HAProxy 2.6.12; roleproxy(8) lists them.
 */
#include "proxy/ending.h"

static const struct {
	const char *word;
	const char code[SESSION_PHASES][3]; /* FIRST, QUEUE, CONNECT, DATA */
} endings[] = {
    [SESSION_DONE] = {"done", {"--", "--", "--", "--"}},
    [SESSION_NOTHING_SENT] = {"nothing sent", {"--", "CQ", "CC", "--"}},
    [SESSION_GAVE_UP] = {"gave up waiting", {"CD", "CQ", "CC", "CD"}},
    [SESSION_CLIENT_ABORT] = {"client broke off", {"CD", "CD", "CD", "CD"}},
    [SESSION_SERVER_ABORT] = {"server broke off", {"SC", "SQ", "SC", "SD"}},
    [SESSION_CLIENT_TIMEOUT] = {"client timeout", {"cD", "cQ", "cC", "cD"}},
    [SESSION_SERVER_TIMEOUT] = {"server timeout", {"sC", "sQ", "sC", "sD"}},
    [SESSION_NO_SERVER] = {"no server", {"SC", "sQ", "SC", "SC"}},
    [SESSION_NO_PLACE] = {"no place on a server", {"SQ", "sQ", "sQ", "sQ"}},
    [SESSION_UNREACHABLE] = {"cannot connect", {"SC", "SC", "SC", "SC"}},
    [SESSION_CONNECT_TIMEOUT] = {"connect timeout", {"sC", "sC", "sC", "sC"}},
    [SESSION_FENCED] = {"fenced", {"D-", "DQ", "DC", "D-"}},
    [SESSION_SERVER_DOWN] = {"server down", {"D-", "DQ", "DC", "D-"}},
    [SESSION_SERVER_SILENT] = {"server silent", {"D-", "DQ", "DC", "D-"}},
    [SESSION_MAINTENANCE] = {"maintenance", {"D-", "DQ", "DC", "D-"}},
    [SESSION_MOVED] = {"address changed", {"D-", "DQ", "DC", "D-"}},
    [SESSION_ROLE_LOST] = {"role lost", {"D-", "DQ", "DC", "D-"}},
    [SESSION_ACTIVE_UP] = {"another server is up", {"U-", "UQ", "UC", "U-"}},
    [SESSION_KILLED] = {"killed by the operator", {"K-", "KQ", "KC", "K-"}},
    [SESSION_AGED] = {"max age", {"K-", "KQ", "KC", "K-"}},
    [SESSION_DRAINED] = {"drained", {"--", "--", "--", "--"}},
    [SESSION_STOPPED] = {"stopped", {"K-", "KQ", "KC", "K-"}},
    [SESSION_NO_HEADER] = {"no PROXY header", {"PR", "PR", "PR", "PR"}},
    [SESSION_DENIED] = {"denied", {"PR", "PR", "PR", "PR"}},
    [SESSION_NO_MEMORY] = {"out of memory", {"RC", "RQ", "RC", "RD"}},
};

const char *
session_reason_str(enum session_reason why)
{
	return endings[why].word;
}

const char *
ending_code(enum session_reason why, enum session_phase phase)
{
	return endings[why].code[phase];
}

bool
ending_is_plain(enum session_reason why)
{
	return why == SESSION_DONE || why == SESSION_NOTHING_SENT ||
	       why == SESSION_AGED || why == SESSION_DRAINED;
}
