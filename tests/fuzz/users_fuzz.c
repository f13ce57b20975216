/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The users file: whatever it holds, it is refused in words or its entries are found. */
#include <stdlib.h>
#include <string.h>

#include "loader/aaa/aaa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct user_entry e;
	struct users *u;
	char err[128];

	/* secret files are the file system's matter */
	if (memmem(data, size, "/", 1) && memmem(data, size, "@", 1))
		return 0;
	if (users_parse("users", (const char *)data, size, &u, err, sizeof(err))) {
		if (!err[0])
			abort();
		return 0;
	}
	if (!users_find(u, "joe", "lns", &e) && !e.secret_len)
		abort();
	users_free(u);
	return 0;
}
