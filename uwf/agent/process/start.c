/* The starter: what a new process runs for the blink between its birth and the program that it becomes.

   A fork of a Python process copies the tables of all its memory, and then runs Python to prepare the child. This
   program is started with vfork instead, which copies nothing, and is small enough to be there in 50 microseconds:
   one static file, without even a C library. `started.py` gives it these words:

     argv[1]  pid of the process that started it
     argv[2]  the gate: a descriptor from which it reads one byte before it goes on
     argv[3]  the report: a descriptor for "stage errno" when the program could not be started
     argv[4]  other descriptors that the program is to inherit, as "5,7", or ""
     argv[5]  the folder to run in
     argv[6]  the file to execute, and from argv[7] on what that finds as its argv

   Standard input, output and error are in place already. The file that this is compiled to has a number in its name,
   in `started.py` and hatch_build.py: raise it when these words change, so that nobody gives them to an older one.

   Stages are those of `forked.py`, which does the same where this program cannot be had. */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* younger than the headers of some systems */
#endif

enum { WORDS = 8, NEVER_RAN = 127, SIGNALS = 64, SIGNAL_SET_BYTES = 8 };

/* The result, or a negative errno. */
static long call(long number, long a, long b, long c, long d);

#if defined(__x86_64__)

__asm__(".globl _start\n"
        "_start: xor %ebp, %ebp\n"
        "mov %rsp, %rdi\n"
        "and $-16, %rsp\n"
        "call begin\n");

static long call(long number, long a, long b, long c, long d) {
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

__asm__(".globl _start\n"
        "_start: mov x29, #0\n"
        "mov x30, #0\n"
        "mov x0, sp\n"
        "b begin\n");

static long call(long number, long a, long b, long c, long d) {
    register long what __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc #0"
                     : "+r"(first)
                     : "r"(what), "r"(second), "r"(third), "r"(fourth)
                     : "memory");
    return first;
}

#else
#error "how this machine begins a program and calls its kernel is not written down here"
#endif

static void leave(void) {
    for (;;) call(SYS_exit_group, NEVER_RAN, 0, 0, 0);
}

/* Say that this stage failed with this result of `call`, and leave. */
static void fail(unsigned report, const char *stage, long result) {
    char text[32], digits[8];
    long size = 0, count = 0, number = -result;
    while (stage[size]) {
        text[size] = stage[size];
        size++;
    }
    text[size++] = ' ';
    do digits[count++] = '0' + number % 10;
    while ((number /= 10) && count < 8);
    while (count) text[size++] = digits[--count];
    call(SYS_write, report, (long)text, size, 0);
    leave();
}

/* The number that `text` begins with. `text` is moved behind it, and behind a comma that follows. */
static unsigned take_number(const char **text) {
    unsigned number = 0;
    while (**text >= '0' && **text <= '9') number = number * 10 + (*(*text)++ - '0');
    if (**text == ',') ++*text;
    return number;
}

static unsigned to_number(const char *text) { return take_number(&text); }

/* What is to stay open beside the standard three. */
struct kept {
    unsigned gate, report;
    const char *list;
};

/* The lowest of them that is not below `from`; ~0 when there is none. */
static unsigned next_kept(const struct kept *kept, unsigned from) {
    const char *list = kept->list;
    unsigned found = ~0U;
    if (kept->gate >= from) found = kept->gate;
    if (kept->report >= from && kept->report < found) found = kept->report;
    while (*list) {
        const char *before = list;
        unsigned each = take_number(&list);
        if (list == before) break; /* not a list of numbers */
        if (each >= from && each < found) found = each;
    }
    return found;
}

/* A directory entry as getdents64(2) writes it. */
struct entry {
    unsigned long inode, next;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* Before Linux 5.9, and in sandboxes that do not know close_range: ask which are open, and close one by one. */
static long close_listed(const struct kept *kept) {
    __attribute__((aligned(8))) char room[2048];
    long size, place, folder;
    folder = call(SYS_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0) return folder;
    while ((size = call(SYS_getdents64, folder, (long)room, sizeof room, 0)) > 0)
        for (place = 0; place < size; place += ((struct entry *)(room + place))->size) {
            const char *name = ((struct entry *)(room + place))->name;
            unsigned number = to_number(name);
            if (number > 2 && number != folder && next_kept(kept, number) != number)
                call(SYS_close, number, 0, 0, 0);
        }
    call(SYS_close, folder, 0, 0, 0);
    return size;
}

/* Close what the parent had inherited itself: nothing of its own is inheritable. */
static long close_others(const struct kept *kept) {
    unsigned from = 3;
    for (;;) {
        unsigned stays = next_kept(kept, from);
        if (from < stays) {
            unsigned to = stays == ~0U ? stays : stays - 1;
            long result = call(SYS_close_range, from, to, 0, 0);
            if (result < 0) return close_listed(kept);
        }
        if (stays == ~0U) return 0;
        from = stays + 1;
    }
}

static void reset_signals(void) {
    static const unsigned long default_action[4], no_signals; /* struct sigaction of the kernel, and sigset_t */
    long number;
    for (number = 1; number <= SIGNALS; number++) /* KILL and STOP refuse, and are as they should be */
        call(SYS_rt_sigaction, number, (long)default_action, 0, SIGNAL_SET_BYTES);
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&no_signals, 0, SIGNAL_SET_BYTES);
}

/* `stack` holds argc, argv, a null pointer, the environment. */
__attribute__((noreturn, used)) void begin(long *stack) {
    long argc = stack[0], result;
    char **argv = (char **)(stack + 1), **environment = argv + argc + 1, byte;
    struct kept kept;
    if (argc < WORDS) leave();
    kept.gate = to_number(argv[2]);
    kept.report = to_number(argv[3]);
    kept.list = argv[4];

    if ((result = call(SYS_setsid, 0, 0, 0, 0)) < 0) fail(kept.report, "session", result);
    /* Asked first and looked second: a parent that ends in between is noticed by one or the other. */
    call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
    if (call(SYS_getppid, 0, 0, 0, 0) != to_number(argv[1])) leave();

    if ((result = close_others(&kept)) < 0 ||
        (result = call(SYS_fcntl, kept.gate, F_SETFD, FD_CLOEXEC, 0)) < 0 ||
        (result = call(SYS_fcntl, kept.report, F_SETFD, FD_CLOEXEC, 0)) < 0)
        fail(kept.report, "descriptors", result);
    reset_signals();
    if ((result = call(SYS_chdir, (long)argv[5], 0, 0, 0)) < 0) fail(kept.report, "folder", result);

    /* Nothing but one byte opens the gate: its end means that the parent gave up, or is gone. */
    if (call(SYS_read, kept.gate, (long)&byte, 1, 0) == 1) {
        result = call(SYS_execve, (long)argv[6], (long)(argv + 7), (long)environment, 0);
        fail(kept.report, "exec", result);
    }
    for (;;) leave();
}
