#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int shown = -1; /* per cent on a line that is not ended */

static void say_arguments(const char *name, const char *format, va_list arguments)
{
    char line[8192];
    int length = snprintf(line, sizeof line / 2, "percepnet: %s: ", name);
    size_t at = (size_t)length < sizeof line / 2 ? (size_t)length : sizeof line / 2 - 1;
    vsnprintf(line + at, sizeof line - at, format, arguments);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    fprintf(stderr, "%s%s\n", shown >= 0 ? "\n" : "", line);
    shown = -1;
}

void say(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_arguments(name, format, arguments);
    va_end(arguments);
}

int refuse(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_arguments(name, format, arguments);
    va_end(arguments);
    return 0;
}

void die(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_arguments(name, format, arguments);
    va_end(arguments);
    exit(2);
}

void show_progress(const char *name, int percent)
{
    if (percent == shown)
        return;
    fputs("\rpercepnet: ", stderr);
    for (; *name; name++)
        fputc((unsigned char)*name < ' ' || *name == 127 ? '?' : *name, stderr);
    fprintf(stderr, ": %d %%%s", percent, percent == 100 ? "\n" : "");
    shown = percent == 100 ? -1 : percent;
}

/* Bytes of the UTF-8 character that begins here, 0 where none does (RFC 3629, section 4). */
static int utf8_bytes(const unsigned char *p)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte, and of the second */
        int bytes;
    } forms[] = {
        {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        int k = 1;
        if (*p < forms[i].first || *p > forms[i].last)
            continue;
        if (forms[i].bytes > 1 && (p[1] < forms[i].low || p[1] > forms[i].high))
            return 0;
        while (k < forms[i].bytes && (p[k] & 0xC0) == 0x80)
            k++;
        return k == forms[i].bytes ? k : 0;
    }
    return 0;
}

void print_quoted(FILE *to, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    fputc('"', to);
    while (*p) {
        int bytes = utf8_bytes(p);
        if (bytes == 0)
            fprintf(to, "\\udc%02x", *p);
        else if (*p < ' ' || *p == 127)
            fprintf(to, "\\u%04x", *p);
        else
            fprintf(to, "%s%.*s", *p == '"' || *p == '\\' ? "\\" : "", bytes, (const char *)p);
        p += bytes ? bytes : 1;
    }
    fputc('"', to);
}

int finish_printing(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    say("standard output", "cannot be written: %s", strerror(errno));
    return 2;
}
