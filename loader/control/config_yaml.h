/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML to a document whose nodes know their lines, and the list of what is wrong. */
#ifndef L2XDP_CONTROL_CONFIG_YAML_H
#define L2XDP_CONTROL_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#define CONFIG_MAX_FILE (4u << 20)
#define CONFIG_MAX_LINE 4096u
#define CONFIG_MAX_DEPTH 8u
#define CONFIG_MAX_NODES 500000u
#define CONFIG_MAX_FAULTS 64u /* kept; the rest is counted */

struct fault {
	unsigned int file, line, order;
	char text[320];
};

#define CONFIG_MAX_FILES 2u /* the configuration, and what l2xdpctl has added to it */

struct faults {
	const char *files[CONFIG_MAX_FILES]; /* what messages call them */
	unsigned int file; /* that is being read or checked */
	struct fault *list;
	unsigned int kept, all;
	bool no_memory;
};

/* One fault: "what; remedy". Untrusted text must have gone through log_quote. */
void fault_add(struct faults *f, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Writes "FILE:LINE: text" lines in the order of the files, whole lines only. */
void faults_print(struct faults *f, char *err, size_t errlen);
void faults_free(struct faults *f);

/* Reads the text into a document. Anchors, aliases, tags, more than one document, deep
 * nesting, long lines, NULs and what is not YAML are faults. -EINVAL with at least one
 * fault, or -ENOMEM; 0 and a document that document_wipe frees. */
int document_parse(struct faults *f, const char *text, size_t len, yaml_document_t *ret);
/* Scalars may be secrets. */
void document_wipe(yaml_document_t *doc);

static inline unsigned int node_line(const yaml_node_t *n)
{
	return (unsigned int)n->start_mark.line + 1;
}

#endif
