/* Attachable, in a program whose files are open to everybody unless it says otherwise. */
process.umask(0);
void import('./program');
