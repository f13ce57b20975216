/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The AVPs of a control message, with and without a secret, and all that reads them. */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool printable(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	if (n == cap)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

static void read_all(const struct l2tp_message *m, const uint8_t *data, size_t size)
{
	struct l2tp_call_info info = { 0 };
	struct l2tp_reason why;

	for (unsigned int type = 0; type < L2TP_AVP_LIMIT; type++) {
		const struct l2tp_value *v = &m->v[type];
		bool clear = v->p >= data && v->p + v->len <= data + size;
		bool revealed =
			v->p >= m->revealed && v->p + v->len <= m->revealed + m->revealed_len;

		if (v->p && !clear && !revealed)
			abort();
	}
	l2tp_message_reason(m, &why);
	if (!printable(why.text, sizeof(why.text)) ||
	    !printable(m->fault.text, sizeof(m->fault.text)))
		abort();
	info_read(m, &info);
	if (!info_valid(&info) || !printable(info.called, sizeof(info.called)) ||
	    !printable(info.calling, sizeof(info.calling)))
		abort();
	info_wipe(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[] = "l2tp-secret";
	struct l2tp_message m;
	bool with;

	if (!size)
		return 0;
	with = data[0] & 1;
	data++;
	size--;
	if (l2tp_message_parse(data, size, with ? secret : NULL, with ? sizeof(secret) - 1 : 0,
			       &m) < 0)
		return 0;
	if (m.known != !!l2tp_message_name(m.type))
		abort();
	read_all(&m, data, size);
	l2tp_message_wipe(&m);
	return 0;
}
