/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool option_number(const char *option, const char *text, unsigned int min, unsigned int max,
		   unsigned int *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || v < min || v > max) {
		fprintf(stderr, "%s: \"%s\" is not a number from %u to %u\n", option, text, min,
			max);
		return false;
	}
	*ret = (unsigned int)v;
	return true;
}

bool option_address(const char *option, const char *text, struct ipaddr *ret)
{
	if (addr_parse(text, ret) == 0)
		return true;
	fprintf(stderr, "%s: \"%s\" is not an IPv4 or IPv6 address\n", option, text);
	return false;
}

bool option_port(const char *option, const char *text, uint16_t *ret)
{
	unsigned int port;

	if (!option_number(option, text, 1, 65535, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

bool option_prefix(const char *option, const char *text, struct prefix *ret)
{
	int err = prefix_parse(text, ret);

	if (err == 0)
		return true;
	fprintf(stderr, "%s: \"%s\" %s\n", option, text,
		err == -EDOM ? "has bits set behind its length" : "is not a prefix, as 10.0.0.0/8");
	return false;
}

bool option_endpoint(const char *option, const char *text, struct ipaddr *ret, uint16_t *ret_port)
{
	char address[ADDR_STRLEN];
	const char *colon = strrchr(text, ':'), *start = text, *end = colon;

	if (colon && text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
		start++;
		end--;
	}
	if (!colon || (size_t)(end - start) >= sizeof(address)) {
		fprintf(stderr, "%s: \"%s\" is not ADDRESS:PORT\n", option, text);
		return false;
	}
	memcpy(address, start, (size_t)(end - start));
	address[end - start] = '\0';
	return option_address(option, address, ret) && option_port(option, colon + 1, ret_port);
}

char *option_secret(char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	memset(text, '*', strlen(text));
	return copy;
}

void option_wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

char *option_name(const char *format, unsigned int n)
{
	const char *mark = strstr(format, "%d");
	char *ret;

	if (!mark)
		return strdup(format);
	if (asprintf(&ret, "%.*s%u%s", (int)(mark - format), format, n, mark + 2) < 0)
		return NULL;
	return ret;
}
