#define _POSIX_C_SOURCE 200809L
#include "decoder.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

FILE *decoder_start(const char *command, const char *name, pid_t *process)
{
    int ends[2];
    if (pipe(ends))
        return NULL;
    *process = fork();
    if (*process == 0) {
        signal(SIGPIPE, SIG_DFL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/sh", "sh", "-c", command, "decoder", name, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (*process > 0)
        return fdopen(ends[0], "rb");
    close(ends[0]);
    return NULL;
}

int decoder_end(pid_t process)
{
    int status;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
