/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/log.h"
#include "tests/client/client.h"

int main(int argc, char **argv)
{
	struct client_options options;
	int ret = client_options_read(argc, argv, &options);

	if (ret == 0) {
		log_open(options.debug ? LOG_DEBUG : LOG_NOTE);
		ret = client_run(&options);
	} else {
		ret = ret < 0 ? 1 : 0;
	}
	client_options_free(&options);
	return ret;
}
