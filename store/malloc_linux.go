package store

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
// Arenas of further threads grow by a page and a system call at a time, which
// took a twelfth of the processor time of storing a large capture. One writer
// works at a time, so that threads hardly wait for each other.
__attribute__((constructor)) static void one_arena(void) { mallopt(M_ARENA_MAX, 1); }
#endif
*/
import "C"
