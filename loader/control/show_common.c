/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments, options and small values that several commands share. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/control/show.h"

static const char *const no_options[] = { NULL };

static void answer_error(struct answer *a, const char *code, const char *fmt, va_list ap)
{
	a->code = code;
	vsnprintf(a->error, sizeof(a->error), fmt, ap);
}

int answer_usage(struct answer *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	answer_error(a, "usage", fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int answer_not_found(struct answer *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	answer_error(a, "not-found", fmt, ap);
	va_end(ap);
	return -ENOENT;
}

int answer_failed(struct answer *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	answer_error(a, "failed", fmt, ap);
	va_end(ap);
	return -EIO;
}

static bool number_of(const json_t *v, unsigned int most, unsigned int *ret)
{
	unsigned long long value;
	const char *text;
	char *end;

	if (json_is_integer(v)) {
		if (json_integer_value(v) < 0 || json_integer_value(v) > most)
			return false;
		*ret = (unsigned int)json_integer_value(v);
		return true;
	}
	text = json_string_value(v);
	if (!text || text[0] < '0' || text[0] > '9' || strlen(text) > 10)
		return false;
	value = strtoull(text, &end, 10);
	if (*end || value > most)
		return false;
	*ret = (unsigned int)value;
	return true;
}

int argument_id(const struct request *rq, struct answer *a, const char *what, unsigned int most,
		unsigned int *ret)
{
	int err = options_known(rq, a, no_options);

	if (err)
		return err;
	if (json_array_size(rq->arguments) != 1 ||
	    !number_of(json_array_get(rq->arguments, 0), most, ret))
		return answer_usage(a, "takes the ID of one %s, 0 to %u; `show %ss` lists them",
				    what, most, what);
	return 0;
}

int only_options(const struct request *rq, struct answer *a, const char *const *names)
{
	if (json_array_size(rq->arguments))
		return answer_usage(a, "takes no arguments; leave them out");
	return options_known(rq, a, names);
}

int no_parameters(const struct request *rq, struct answer *a)
{
	return only_options(rq, a, no_options);
}

int answer_whole(struct answer *a, json_t *result)
{
	a->result = result;
	return result ? 0 : answer_failed(a, "no memory");
}

bool list_room(void *ret_list, size_t *cap, size_t n, size_t size)
{
	size_t grown_cap = *cap ? 2 * *cap : 64;
	void *list, *grown;

	if (n < *cap)
		return true;
	memcpy(&list, ret_list, sizeof(list));
	grown = reallocarray(list, grown_cap, size);
	if (!grown)
		return false;
	memcpy(ret_list, &grown, sizeof(grown));
	*cap = grown_cap;
	return true;
}

int option_text(const struct request *rq, struct answer *a, const char *name, const char **ret)
{
	const json_t *v = json_object_get(rq->options, name);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return answer_usage(a, "option %s is a text; quote it", name);
	*ret = json_string_value(v);
	return 0;
}

int option_switch(const struct request *rq, struct answer *a, const char *name, bool *ret)
{
	const json_t *v = json_object_get(rq->options, name);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return answer_usage(a, "option %s is true or false", name);
	*ret = json_is_true(v);
	return 0;
}

int option_number(const struct request *rq, struct answer *a, const char *name, unsigned int *ret)
{
	const json_t *v = json_object_get(rq->options, name);

	if (v && !number_of(v, UINT32_MAX, ret))
		return answer_usage(a, "option %s is a whole number, 0 or more", name);
	return 0;
}

int options_known(const struct request *rq, struct answer *a, const char *const *names)
{
	char quoted[64];
	const char *key;
	json_t *v;
	size_t i;

	/* jansson's iterator takes no const object, but changes nothing */
	json_object_foreach((json_t *)(uintptr_t)rq->options, key, v)
	{
		for (i = 0; names[i] && strcmp(names[i], key) != 0; i++)
			;
		if (!names[i])
			return answer_usage(a, "no option %s; leave it out",
					    log_quote(key, strlen(key), quoted, sizeof(quoted)));
	}
	return 0;
}

/* Of each octet that is part of no UTF-8 character, \xNN. */
static json_t *escaped(const char *text)
{
	size_t len = strlen(text), i;
	char *out, *p;
	json_t *v;

	p = out = malloc(4 * len + 1);
	if (!out)
		return NULL;
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= 0x80)
			p += sprintf(p, "\\x%02x", (unsigned char)text[i]);
		else
			*p++ = text[i];
	}
	v = json_stringn(out, (size_t)(p - out));
	free(out);
	return v;
}

json_t *json_text(const char *text)
{
	json_t *v;

	if (!text)
		return json_string("");
	v = json_string(text);
	return v ? v : escaped(text);
}

json_t *json_text_or_null(const char *text)
{
	return text && *text ? json_text(text) : json_null();
}

json_t *json_address(const struct ipaddr *a)
{
	char text[ADDR_STRLEN];

	return addr_is_set(a) ? json_string(addr_str(a, text)) : json_null();
}

json_t *json_prefix(const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	return p->len ? json_string(prefix_str(p, text)) : json_null();
}
