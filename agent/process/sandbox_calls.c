/* The system calls of sandbox.def as a seccomp filter: classic BPF, row by row. The kernel (5.11) finds out
 * for which numbers the answer does not depend on arguments, and does not run the filter for those. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/process/sandbox.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0 /* its numbers are not known here */
#endif

#define NEW_NAMESPACES                                                                            \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET | 0x80u /* CLONE_NEWTIME */)
#define OWN_PID ((uint32_t)getpid())

enum {
	NEWEST = 450, /* Linux 6.1. Later calls are absent, so that a later C library does without */
	HEAD = 6,
	ROW_MAX = 5,
	TAIL = 1,
};

struct call_row {
	uint32_t number, action;
	unsigned argument;
	uint32_t mask, value; /* mask 0: whatever the argument */
};

struct program {
	struct sock_filter *at;
	unsigned short n;
};

static void add(struct program *p, uint16_t code, uint32_t k, unsigned yes, unsigned no)
{
	p->at[p->n++] = (struct sock_filter){ code, (uint8_t)yes, (uint8_t)no, k };
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

static void add_head(struct program *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	answer(p, SECCOMP_RET_KILL_PROCESS); /* 32-bit numbers mean other calls */
	load(p, offsetof(struct seccomp_data, nr));
	add(p, BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1);
	answer(p, SECCOMP_RET_ERRNO | ENOSYS);
}

/* The number is loaded when a row begins, and again when it ends without an answer. Both machines are
 * little-endian: the low half of an argument comes first. */
static void add_row(struct program *p, const struct call_row *row)
{
	const bool whole = row->mask == 0;

	add(p, BPF_JMP | BPF_JEQ | BPF_K, row->number, 0, whole ? 1 : 5);
	if (whole) {
		answer(p, row->action);
		return;
	}
	load(p, offsetof(struct seccomp_data, args) + row->argument * sizeof(uint64_t));
	add(p, BPF_ALU | BPF_AND | BPF_K, row->mask, 0, 0);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, row->value, 0, 1);
	answer(p, row->action);
	load(p, offsetof(struct seccomp_data, nr));
}

enum sandbox_state calls_confine(void)
{
	const struct call_row row[] = {
#define CALL(NAME)                           { __NR_##NAME, SECCOMP_RET_ALLOW, 0, 0, 0 },
#define CALL_IF(NAME, ARGUMENT, MASK, VALUE) { __NR_##NAME, SECCOMP_RET_ALLOW, ARGUMENT, MASK, VALUE },
#define CALL_ABSENT(NAME)                    { __NR_##NAME, SECCOMP_RET_ERRNO | ENOSYS, 0, 0, 0 },
#include "agent/process/sandbox.def"
#undef CALL
#undef CALL_IF
#undef CALL_ABSENT
	};
	enum { ROWS = sizeof(row) / sizeof(row[0]) };
	struct sock_filter at[HEAD + ROWS * (ROW_MAX + 1) + TAIL];
	struct program p = { at, 0 };
	struct sock_fprog filter;

	if (ARCHITECTURE == 0)
		return SANDBOX_ABSENT;
	add_head(&p);
	for (size_t i = 0; i < ROWS; i++)
		add_row(&p, &row[i]);
	answer(&p, SECCOMP_RET_ERRNO | EPERM);
	filter = (struct sock_fprog){ p.n, p.at };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0)
		return SANDBOX_ON;
	return errno == ENOSYS ? SANDBOX_ABSENT : SANDBOX_REFUSED;
}
