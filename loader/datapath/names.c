/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Name tables, and the two helpers that every file here uses. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "loader/datapath/private.h"

const char *const dp_mode_names[] = { "auto", "native", "generic", "tc", "off" };

#define X(NAME, name) [DP_SLOW_##NAME] = name,
const char *const dp_slow_counter_names[DP_SLOW_MAX] = { DP_SLOW_COUNTERS(X) };
#undef X

#define X(n, NAME, verdict_name, class, sentence)                                                  \
	[n] = { .name = verdict_name, .class_name = class_##class, .text = sentence },
#define class_FORWARD "forward"
#define class_SLOW "slow"
#define class_PASS "pass"
#define class_DROP "drop"
const struct dp_verdict_info dp_verdicts[L2X_V_MAX] = { L2X_VERDICTS(X) };
#undef X

msec_t dp_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec_t)ts.tv_sec * 1000 + (msec_t)ts.tv_nsec / 1000000;
}

int dp_fail(int rc, char *err, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return rc;
}
