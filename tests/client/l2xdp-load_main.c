/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/log.h"
#include "tests/client/load.h"

int main(int argc, char **argv)
{
	struct load_options options;
	int ret = load_options_read(argc, argv, &options);

	if (ret == 0) {
		log_open(options.debug ? LOG_DEBUG : LOG_WARN);
		ret = load_run(&options);
	} else {
		ret = ret < 0 ? 1 : 0;
	}
	load_options_free(&options);
	return ret;
}
