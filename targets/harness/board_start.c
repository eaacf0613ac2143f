/* What a program needs on a bare Cortex-M: vectors, start-up, arguments, heap. Files and words go through
 * semihosting, to the emulator or a debugger. The linker script is board.ld. */
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { SYS_GET_CMDLINE = 0x15, MAX_ARGUMENTS = 16 };
extern char end[], board_heap_end[], board_stack_top[];
void initialise_monitor_handles(void); /* librdimon: standard streams */
int main(int argc, char **argv);
void board_start(void);
void _fini(void);
void *_sbrk(ptrdiff_t bytes);

static int semihost(int operation, void *argument)
{
    register int r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* The words of the command line, which blanks part. */
static int split(char *line, char **words)
{
    int n = 0;
    for (char *p = line; *p && n < MAX_ARGUMENTS - 1; n++) {
        words[n] = p;
        while (*p && *p != ' ')
            p++;
        if (*p)
            *p++ = '\0';
    }
    return n;
}

void board_start(void)
{
    static char line[1024], *words[MAX_ARGUMENTS];
    struct {
        char *text;
        int length;
    } command = {line, sizeof line};
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: floats and Helium are off at reset */
    __asm__ volatile("dsb\n\tisb");
    initialise_monitor_handles();
    exit(semihost(SYS_GET_CMDLINE, &command) ? 2 : main(split(line, words), words));
}

static void fault(void)
{
    abort();
}

__attribute__((section(".vectors"), used)) static const struct {
    char *stack;
    void (*handlers[15])(void);
} vectors = {board_stack_top, {board_start, fault, fault, fault, fault, fault}};

void *_sbrk(ptrdiff_t bytes)
{
    static char *top = end;
    char *old = top;
    if (bytes > board_heap_end - top)
        return (void *)-1;
    top += bytes;
    return old;
}

int posix_memalign(void **memory, size_t align, size_t bytes)
{
    *memory = memalign(align, bytes);
    return !*memory;
}

void _fini(void) /* exit() asks for it */
{
}
