/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "ctl/ctl.h"

/* Prints one device. False if something is fatal. */
static bool print_device(const json_t *d)
{
	const json_t *v;
	size_t i;

	printf("%s: %s\n", safe(get_text(d, "device")),
	       get_bool(d, "ok") ? "ready" : "not ready for XDP");
	json_array_foreach(json_object_get(d, "findings"), i, v)
	{
		const char *remedy = get_text(v, "remedy");

		printf("  %-8s %s\n", safe(get_text(v, "level")), safe(get_text(v, "what")));
		if (*remedy)
			printf("  %-8s # %s\n", "", safe(remedy));
	}
	return get_bool(d, "ok");
}

int cmd_preflight(const struct options *o, int argc, char **argv)
{
	const json_t *d;
	struct reply r;
	bool ok = true;
	json_t *v;
	size_t i;
	int code;

	if (!argc)
		return usage("preflight", "one device or more");
	code = ask(o, "preflight", words_json(argc, argv), NULL, &r);
	if (code == EXIT_NO_DAEMON)
		complain("without a daemon: l2xdpd --preflight %s", safe(argv[0]));
	if (code)
		return code;
	v = reply_json(&r);
	if (o->json)
		reply_print(&r);
	json_array_foreach(v, i, d) ok &= o->json ? get_bool(d, "ok") : print_device(d);
	reply_free(&r);
	code = v && ok ? EXIT_OK : EXIT_REFUSED;
	json_decref(v);
	return code;
}
