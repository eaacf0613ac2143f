#define _POSIX_C_SOURCE 200809L
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t came, times, input = -1, nothing = -1;

/* Nothing is left to read, whether the read has begun or not. */
static void on_signal(int number)
{
    int kept = errno;
    came = number;
    times += times < 2;
    if (input >= 0)
        dup2(nothing, input);
    errno = kept;
}

void stop_on_signals(void)
{
    static const int ending[] = {SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGHUP};
    struct sigaction action, before;
    nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    memset(&action, 0, sizeof action); /* no SA_RESTART: a read that waits is given up */
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        sigaction(ending[i], &action, &before);
    if (before.sa_handler == SIG_IGN)
        signal(SIGHUP, SIG_IGN); /* nohup */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void stop_ends(int descriptor)
{
    input = descriptor;
    if (came && descriptor >= 0)
        dup2(nothing, descriptor);
}

int stop_signal(void)
{
    return came;
}

int stop_insists(void)
{
    return times > 1;
}
