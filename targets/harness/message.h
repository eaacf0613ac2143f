/* Words for people, one line on standard error each, and strings for JSON. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdio.h>

#if defined(__GNUC__)
#define LIKE_PRINTF __attribute__((format(printf, 2, 3)))
#define LEAVES __attribute__((noreturn))
#else
#define LIKE_PRINTF
#define LEAVES
#endif

/* "percepnet: NAME: ..."; control characters, in names too, are shown as "?". */
void say(const char *name, const char *format, ...) LIKE_PRINTF;

/* Says why and returns 0, for `return refuse(...)`. */
int refuse(const char *name, const char *format, ...) LIKE_PRINTF;

/* Says why and exits with 2. */
void die(const char *name, const char *format, ...) LIKE_PRINTF LEAVES;

/* Shows the per cent that are done of a long file, where they have changed. */
void show_progress(const char *name, int percent);

/* A JSON string; a byte that is no UTF-8 becomes U+DC80 ... U+DCFF, as Python names files. */
void print_quoted(FILE *to, const char *text);

/* Exit status of a program that may have printed: `status`, or 2 if standard output took not all. */
int finish_printing(int status);

#endif
