/*
 * registration.c: whether the postmaster took a background worker.
 */
#include "activity.h"

#include "postmaster/bgworker_internals.h"

#if PG_VERSION_NUM >= 180000
#define foreach_registered(iterator) dlist_foreach(iterator, &BackgroundWorkerList)
#define registered(iterator) dlist_container(RegisteredBgWorker, rw_lnode, (iterator).cur)
#define Iterator dlist_iter
#else
#define foreach_registered(iterator) slist_foreach(iterator, &BackgroundWorkerList)
#define registered(iterator) slist_container(RegisteredBgWorker, rw_lnode, (iterator).cur)
#define Iterator slist_iter
#endif

/*
 * RegisterBackgroundWorker says only to the log that there is no room for another worker. In the postmaster, while preloading:
 * nobody else has the list.
 */
bool
activity_pg_worker_is_registered(const char *library, const char *function)
{
	Iterator	iterator;

	foreach_registered(iterator)
	{
		BackgroundWorker *worker = &registered(iterator)->rw_worker;

		if (strcmp(worker->bgw_library_name, library) == 0 && strcmp(worker->bgw_function_name, function) == 0)
			return true;
	}
	return false;
}
