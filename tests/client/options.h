/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of command line options. Each returns false after a line on stderr, with the remedy. */
#ifndef L2XDP_TESTS_OPTIONS_H
#define L2XDP_TESTS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/base/addr.h"

bool option_number(const char *option, const char *text, unsigned int min, unsigned int max,
		   unsigned int *ret);
bool option_port(const char *option, const char *text, uint16_t *ret);
bool option_address(const char *option, const char *text, struct ipaddr *ret);
bool option_prefix(const char *option, const char *text, struct prefix *ret);
/* "ADDR:PORT", "[ADDR6]:PORT" */
bool option_endpoint(const char *option, const char *text, struct ipaddr *ret, uint16_t *ret_port);
/* A copy of a secret; the argument itself is blanked, so that ps does not show it. */
char *option_secret(char *text);
void option_wipe(char *secret); /* what option_secret made; frees it; NULL is nothing */
/* `format` with its one "%d" replaced; without one a copy. NULL on lack of memory. */
char *option_name(const char *format, unsigned int n);

#endif
