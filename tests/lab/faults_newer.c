/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a later version of l2xdpd would leave behind: faults_newer RUNTIME STATE makes stores
 * of the next format there, with one record. faults_store_test.sh builds and runs it.
 */
#include <stdio.h>

#include "loader/store/private.h"

int main(int argc, char **argv)
{
	struct store_tuning tuning = store_tuning_default;
	struct store_info info;
	struct store *s;
	char err[512];

	if (argc != 3)
		return 1;
	tuning.format = STORE_FORMAT + 1;
	if (store_open_tuned(&tuning, argv[1], argv[2], false, &s, &info, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	if (store_start(s) < 0)
		return 1;
	store_put(s, STORE_MISC, 1, "later", 5);
	if (store_commit(s, 1) < 0)
		return 1;
	store_close(s);
	return 0;
}
