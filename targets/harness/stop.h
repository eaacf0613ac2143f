/* Signals end the input, not the program: what came until then is finished as if the file ended. */
#ifndef STOP_H
#define STOP_H

/* From here on SIGINT, SIGQUIT, SIGTERM, SIGXCPU and SIGHUP end the input, the last not under nohup;
 * broken pipes and limits on file sizes are errors of writing. */
void stop_on_signals(void);

/* The descriptor of the input that a signal ends; -1: none. */
void stop_ends(int descriptor);

/* The signal that came, or 0. */
int stop_signal(void);

/* A second one came: somebody waits no longer for those who read our output. */
int stop_insists(void);

#endif
