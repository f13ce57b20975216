/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FUZZ_SOURCES: loader/control/config.c loader/control/config_yaml.c loader/control/config_schema.c loader/control/config_values.c loader/control/config_addresses.c loader/control/config_check.c loader/control/config_check_pw.c loader/control/config_check_signalled.c loader/control/config_wires.c loader/control/config_pseudowire.c loader/control/config_circuit.c loader/control/managed.c */
/* The configuration: whatever the file holds, it is refused in words or makes a whole. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	unsigned int i;
	char err[512];

	/* secret files are the file system's matter */
	if (memmem(data, size, "secret-file", 11))
		return 0;
	if (config_parse("f", (const char *)data, size, &c, err, sizeof(err))) {
		if (!strstr(err, "f:") || c)
			abort();
		return 0;
	}
	for (i = 0; i < c->n_peers; i++) {
		const struct config_peer *p = &c->peers[i];

		if (config_peer_of(c, &p->address.addr) == NULL || p->profile >= c->n_profiles)
			abort();
	}
	for (i = 0; i < c->datapath.n_pseudowires; i++) {
		unsigned int wire = c->signals[i].wire;

		if (c->pseudowires[i].signalled ? wire >= c->n_wires || !c->signals[i].end_id_len
						: wire != UINT_MAX && wire >= c->n_wires)
			abort();
	}
	config_free(c);
	return 0;
}
