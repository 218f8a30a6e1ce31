/*
 * A disk that loses power, or will not do, seen from SQLite: a VFS around the one called "unix" that becomes the default.
 *
 * Every write since the last sync of its file is remembered with what was there before. When the power goes they are undone, all or
 * some, as a disk's cache would have lost them, and the process ends at once. Files that were made or deleted while their folder was
 * not synced come and go likewise. A sync costs nothing here: what it promises is kept by remembering, not by a disk.
 *
 * Loaded by ctypes before sqlite3 is used (vfs.py), or by LD_PRELOAD into a whole process, with QRGATE_TEST_DISK=path of a `struct control`.
 * The index of the log (-shm) is mapped memory, which nobody expects to survive: the real VFS keeps it.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum survivors { NONE, FIRST_ONES, SOME, SECTORS, REORDERED };

/* Shared with whoever plays the power company; vfs.py has the same. */
struct control {
  int64_t calls;     /* writes, truncations, syncs and deletions so far */
  int64_t cut_at;    /* the power goes when this call begins; 0: never, and nothing is remembered */
  int64_t survivors; /* what of the unsynced writes reaches the disk all the same */
  int64_t seed;
  int64_t fail_from; /* from this call on, up to fail_to, each fails with the SQLite code fail_code; 0: none does */
  int64_t fail_to;
  int64_t fail_code;
};

enum { SECTOR = 512, FILES_MAX = 64, EXIT_CUT = 99, EXIT_BROKEN = 98 };

struct tracked {       /* one file, from when it was first opened or made */
  char path[512];      /* where it lies now */
  char name[512];      /* where it lay before it was deleted */
  int made, deleted;   /* and the folder was not synced since */
};

struct change {        /* one unsynced write, or truncation where `data` is null */
  int file;
  int64_t at, length, old_length;
  sqlite3_int64 old_size;
  unsigned char *data, *old;
  int is_old;          /* undone when its file was synced: no longer to be looked at */
};

struct file {
  sqlite3_file base;
  int number, syncs_folder;
  sqlite3_file *real;
};

static struct control never, *control = &never;
static sqlite3_vfs *unix_vfs;
static struct tracked files[FILES_MAX];
static int file_count;
static struct change *changes;
static size_t change_count, change_room;

static void broken(const char *what) {
  fprintf(stderr, "vfs.c: %s\n", what);
  _exit(EXIT_BROKEN);
}

static void *kept(const void *bytes, size_t length) {
  void *copy = malloc(length ? length : 1);
  if (!copy) broken("no memory");
  if (bytes) memcpy(copy, bytes, length);
  return copy;
}

/* --- the power goes --------------------------------------------------------------------------------------------- */

static uint64_t dice(void) { /* xorshift64*: the same cuts for the same seed, wherever it runs */
  static uint64_t state;
  if (!state) state = (uint64_t)control->seed * 2654435769u + 88172645463325252u;
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return (state * 2685821657736338717u) >> 33;
}

static void put(int fd, const void *bytes, int64_t length, int64_t at) {
  if (length > 0 && pwrite(fd, bytes, (size_t)length, at) != length) broken("a file cannot be put back");
}

static void undo(int fd, const struct change *each) {
  put(fd, each->old, each->old_length, each->at);
  if (ftruncate(fd, each->old_size)) broken("a size cannot be put back");
}

static void redo(int fd, const struct change *each) {
  if (!each->data) {
    if (ftruncate(fd, each->at)) broken("a size cannot be put back");
  } else if (control->survivors != SECTORS) {
    put(fd, each->data, each->length, each->at);
  } else {
    for (int64_t from = 0; from < each->length;) {
      int64_t to = from + SECTOR - (each->at + from) % SECTOR;
      if (to > each->length) to = each->length;
      if (dice() % 2) put(fd, each->data + from, to - from, each->at + from);
      from = to;
    }
  }
}

static void lose_writes(int number) {
  struct change **lost = kept(NULL, change_count * sizeof *lost);
  size_t count = 0;
  for (size_t i = 0; i < change_count; i++)
    if (changes[i].file == number && !changes[i].is_old) lost[count++] = &changes[i];
  if (!count) return;
  int fd = open(files[number].path, O_RDWR | O_CLOEXEC);
  if (fd < 0) broken("a file cannot be opened");
  for (size_t i = count; i-- > 0;) undo(fd, lost[i]);
  if (control->survivors == NONE) return;
  if (control->survivors == FIRST_ONES) count = dice() % (count + 1);
  if (control->survivors == REORDERED)
    for (size_t i = count; i > 1; i--) {
      size_t other = dice() % i;
      struct change *swapped = lost[i - 1];
      lost[i - 1] = lost[other], lost[other] = swapped;
    }
  for (size_t i = 0; i < count; i++)
    if (control->survivors == FIRST_ONES || control->survivors == SECTORS || dice() % 2) redo(fd, lost[i]);
}

static void lose_folder(void) {
  int loses = control->survivors == NONE || dice() % 2;
  for (int i = file_count; loses && i-- > 0;) {
    if (files[i].made) unlink(files[i].path);
    if (files[i].deleted && rename(files[i].path, files[i].name)) broken("a deleted file cannot be put back");
  }
  for (int i = 0; !loses && i < file_count; i++)
    if (files[i].deleted) unlink(files[i].path);
}

static void cut(void) {
  for (int i = 0; i < file_count; i++) lose_writes(i);
  lose_folder();
  _exit(EXIT_CUT);
}

/* One more call: the power goes, or it is to fail with the code that this answers. */
static int called(int code_of_input_output_error) {
  int64_t number = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
  if (number == control->cut_at) cut();
  int64_t from = __atomic_load_n(&control->fail_from, __ATOMIC_SEQ_CST);
  if (!from || number < from || number > control->fail_to) return SQLITE_OK;
  return control->fail_code == SQLITE_IOERR ? code_of_input_output_error : (int)control->fail_code;
}

/* --- what is remembered ----------------------------------------------------------------------------------------- */

static int is_tracked(const struct file *file) { return file->number >= 0 && control->cut_at; }

static void remember(struct file *file, const void *data, int64_t length, int64_t at) {
  if (change_count == change_room) {
    change_room = change_room ? 2 * change_room : 1024;
    changes = realloc(changes, change_room * sizeof *changes);
    if (!changes) broken("no memory");
  }
  struct change each = {.file = file->number, .at = at, .length = length};
  if (file->real->pMethods->xFileSize(file->real, &each.old_size)) broken("a size cannot be asked for");
  int64_t old_end = data && at + length < each.old_size ? at + length : each.old_size;
  each.old_length = old_end > at ? old_end - at : 0;
  each.old = kept(NULL, (size_t)each.old_length);
  if (each.old_length && file->real->pMethods->xRead(file->real, each.old, (int)each.old_length, at)) broken("old bytes cannot be read");
  each.data = data ? kept(data, (size_t)length) : NULL;
  changes[change_count++] = each;
}

static void is_durable(int number) {
  for (size_t i = 0; i < change_count; i++)
    if (changes[i].file == number && !changes[i].is_old) {
      free(changes[i].data), free(changes[i].old);
      changes[i].is_old = 1;
    }
  while (change_count && changes[change_count - 1].is_old) change_count--;
}

static void folder_is_durable(void) {
  for (int i = 0; i < file_count; i++) {
    files[i].made = 0;
    if (files[i].deleted) unlink(files[i].path), is_durable(i);
    files[i].deleted = 0;
  }
}

static int track(const char *path, int made) {
  for (int i = 0; i < file_count; i++)
    if (!strcmp(files[i].path, path)) {
      files[i].made |= made;
      return i;
    }
  if (file_count == FILES_MAX) broken("too many files");
  snprintf(files[file_count].path, sizeof files[0].path, "%s", path);
  files[file_count].made = made;
  return file_count++;
}

/* --- a file ----------------------------------------------------------------------------------------------------- */

#define REAL(it) (((struct file *)(it))->real)

static int f_close(sqlite3_file *f) { return REAL(f)->pMethods->xClose(REAL(f)); }
static int f_read(sqlite3_file *f, void *to, int length, sqlite3_int64 at) { return REAL(f)->pMethods->xRead(REAL(f), to, length, at); }
static int f_size(sqlite3_file *f, sqlite3_int64 *size) { return REAL(f)->pMethods->xFileSize(REAL(f), size); }
static int f_lock(sqlite3_file *f, int kind) { return REAL(f)->pMethods->xLock(REAL(f), kind); }
static int f_unlock(sqlite3_file *f, int kind) { return REAL(f)->pMethods->xUnlock(REAL(f), kind); }
static int f_is_reserved(sqlite3_file *f, int *out) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out); }
static int f_control(sqlite3_file *f, int what, void *arg) { return REAL(f)->pMethods->xFileControl(REAL(f), what, arg); }
static int f_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int f_traits(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int f_map(sqlite3_file *f, int page, int size, int extend, void volatile **to) {
  return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, to);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) { return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags); }
static void f_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int f_unmap(sqlite3_file *f, int gone) { return REAL(f)->pMethods->xShmUnmap(REAL(f), gone); }

static int f_write(sqlite3_file *f, const void *data, int length, sqlite3_int64 at) {
  int code = called(SQLITE_IOERR_WRITE);
  if (code) return code;
  if (is_tracked((struct file *)f)) remember((struct file *)f, data, length, at);
  return REAL(f)->pMethods->xWrite(REAL(f), data, length, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size) {
  int code = called(SQLITE_IOERR_TRUNCATE);
  if (code) return code;
  if (is_tracked((struct file *)f)) remember((struct file *)f, NULL, 0, size);
  return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int f_sync(sqlite3_file *f, int flags) {
  int code = called(SQLITE_IOERR_FSYNC);
  if (code) return code;
  if (!is_tracked((struct file *)f)) return REAL(f)->pMethods->xSync(REAL(f), flags);
  is_durable(((struct file *)f)->number);
  if (((struct file *)f)->syncs_folder) folder_is_durable(); /* as "unix" does with the first sync of a log or journal */
  ((struct file *)f)->syncs_folder = 0;
  return SQLITE_OK;
}

/* Version 2: without mapped reads (3), which would go past the real file and are off by default. */
static const sqlite3_io_methods methods = {2, f_close, f_read, f_write, f_truncate, f_sync, f_size, f_lock, f_unlock, f_is_reserved, f_control,
                                           f_sector, f_traits, f_map, f_shm_lock, f_barrier, f_unmap, NULL, NULL};

/* --- the file system -------------------------------------------------------------------------------------------- */

static int v_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out_flags) {
  struct file *file = (struct file *)f;
  (void)vfs;
  memset(file, 0, sizeof *file);
  file->real = (sqlite3_file *)(file + 1);
  file->number = -1;
  int is_log = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
  int is_kept = path && (is_log || flags & SQLITE_OPEN_MAIN_DB);
  int is_new = is_kept && access(path, F_OK) != 0;
  int code = unix_vfs->xOpen(unix_vfs, path, file->real, flags, out_flags);
  if (is_kept && !code && control->cut_at) {
    file->number = track(path, is_new);
    file->syncs_folder = is_log && flags & SQLITE_OPEN_CREATE; /* also where it was there already */
  }
  if (file->real->pMethods) file->base.pMethods = &methods;
  return code;
}

static int v_delete(sqlite3_vfs *vfs, const char *path, int sync_folder) {
  (void)vfs;
  int code = called(SQLITE_IOERR_DELETE);
  if (code) return code;
  if (control->cut_at && access(path, F_OK) == 0) {
    struct tracked *each = &files[track(path, 0)];
    snprintf(each->name, sizeof each->name, "%s", path);
    snprintf(each->path, sizeof each->path, "%.480s~%d", path, (int)(each - files));
    if (link(each->name, each->path)) broken("a file that is deleted cannot be kept");
    each->deleted = !each->made; /* what was never durable may be gone at once */
    if (each->made) unlink(each->path), is_durable((int)(each - files)), each->made = 0;
  }
  code = unix_vfs->xDelete(unix_vfs, path, 0);
  if (sync_folder && !code) folder_is_durable();
  return code;
}

/* Makes it the default of the SQLite that this process uses; answers with SQLite's code. */
int disk_install(struct control *shared) {
  static sqlite3_vfs vfs;
  control = shared;
  if (sqlite3_initialize() || !(unix_vfs = sqlite3_vfs_find("unix"))) return SQLITE_ERROR;
  vfs = *unix_vfs;
  vfs.pNext = NULL;
  vfs.zName = "faulty";
  vfs.szOsFile = (int)sizeof(struct file) + unix_vfs->szOsFile;
  vfs.xOpen = v_open;
  vfs.xDelete = v_delete;
  return sqlite3_vfs_register(&vfs, 1);
}

__attribute__((constructor)) static void preloaded(void) {
  const char *path = getenv("QRGATE_TEST_DISK");
  if (!path) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED || disk_install(shared)) broken("cannot begin");
}
