#define _XOPEN_SOURCE 700 /* realpath() */

#include "resume_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lscoap.h>

#include "private_file.h"
#include "server_log.h"

#define APPLICATION_ID "1280525135" /* "LSCO", so that `file` and we know whose it is */
#define SCHEMA_VERSION "1"

/* A device id has one row, and so has a connection id: a newer session under it ends the older. */
#define CREATE                                                                                     \
    "BEGIN IMMEDIATE;"                                                                             \
    "CREATE TABLE resume (device_id BLOB PRIMARY KEY NOT NULL, cid BLOB NOT NULL UNIQUE,"          \
    " record BLOB NOT NULL) WITHOUT ROWID;"                                                        \
    "PRAGMA application_id = " APPLICATION_ID ";"                                                  \
    "PRAGMA user_version = " SCHEMA_VERSION ";"                                                    \
    "COMMIT"

/* The lock is kept, so that there is one server to a file. A commit is on the disk when it returns,
 * even if the power goes then. What is deleted is overwritten: it was a secret. */
#define SETTINGS                                                                                   \
    "PRAGMA locking_mode = EXCLUSIVE;"                                                             \
    "PRAGMA journal_mode = WAL;"                                                                   \
    "PRAGMA synchronous = FULL;"                                                                   \
    "PRAGMA secure_delete = ON;"                                                                   \
    "PRAGMA temp_store = MEMORY;"                                                                  \
    "PRAGMA trusted_schema = OFF"

enum statement { LOAD, SAVE, DELETE_DEVICE, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [LOAD] = "SELECT record FROM resume WHERE cid = ?1",
    [SAVE] = "INSERT OR REPLACE INTO resume (device_id, cid, record) VALUES (?1, ?2, ?3)",
    [DELETE_DEVICE] = "DELETE FROM resume WHERE device_id = ?1",
};

struct resume_store {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[STATEMENTS];
};

static bool fail(const struct resume_store *store, const char *what) {
    server_log(SERVER_LOG_ERROR, NULL, "%s: %s: %s", store->path, what, sqlite3_errmsg(store->db));
    return false;
}

/* `path` with its directory resolved: SQLite is told to follow no link at all, and links in the
 * directory's name are the administrator's. NULL (and a line on stderr) on failure; else to be
 * freed. */
static char *resolve(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char *copy = strndup(path, (size_t)(name - path));
    char *directory = copy == NULL ? NULL : realpath(slash == NULL ? "." : copy, NULL);
    size_t len = directory == NULL ? 0 : strlen(directory) + strlen(name) + 2;
    char *resolved = directory == NULL ? NULL : malloc(len);

    if (resolved == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    } else {
        snprintf(resolved, len, "%s/%s", directory, name);
    }
    free(directory);
    free(copy);
    return resolved;
}

/* SQLite's files beside the database are as secret, and could be planted as well. */
static bool check_companions(const char *path) {
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    bool good = true;

    for (size_t i = 0; good && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t len = strlen(path) + strlen(suffixes[i]) + 1;
        char *name = malloc(len);

        if (name == NULL) {
            fprintf(stderr, "%s: out of memory\n", path);
            return false;
        }
        snprintf(name, len, "%s%s", path, suffixes[i]);
        good = private_file_or_none(name);
        free(name);
    }
    return good;
}

/* For its owner from the first moment on: SQLite gives its other files the same mode. */
static bool make_file(const char *path) {
    int file = private_file_open(path, O_RDWR | O_CREAT);

    if (file < 0) {
        if (errno == ENOENT) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
        }
        return false;
    }
    close(file);
    return check_companions(path);
}

static bool run(const struct resume_store *store, const char *sql) {
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The first column of the first row, a number; -1 when there is none. */
static sqlite3_int64 number(const struct resume_store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 value = -1;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}

/* A new file gets its table; any other has to be ours, of our version and whole. */
static bool check_schema(const struct resume_store *store) {
    sqlite3_int64 tables = number(store, "SELECT count(*) FROM sqlite_schema");
    sqlite3_int64 application = number(store, "PRAGMA application_id");
    sqlite3_int64 version = number(store, "PRAGMA user_version");

    if (tables < 0 || application < 0 || version < 0) {
        return fail(store, "cannot be read");
    }
    if (tables == 0 && application == 0 && version == 0) {
        return run(store, CREATE) || fail(store, "cannot be set up");
    }
    if (application != strtol(APPLICATION_ID, NULL, 10)) {
        server_log(SERVER_LOG_ERROR, NULL, "%s: a database of another program", store->path);
        return false;
    }
    if (version != strtol(SCHEMA_VERSION, NULL, 10)) {
        server_log(SERVER_LOG_ERROR, NULL,
                   "%s: of version %lld, and this program knows version " SCHEMA_VERSION,
                   store->path, (long long)version);
        return false;
    }
    return true;
}

static bool prepare(struct resume_store *store) {
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL) != SQLITE_OK) {
            return fail(store, "cannot be used");
        }
    }
    return true;
}

struct resume_store *resume_store_open(const char *path) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      SQLITE_OPEN_NOFOLLOW;
    char *resolved = resolve(path);
    struct resume_store *store;
    bool good;

    if (resolved == NULL || !make_file(resolved)) {
        free(resolved);
        return NULL;
    }
    store = calloc(1, sizeof *store);
    if (store == NULL) {
        fprintf(stderr, "%s: out of memory\n", path);
        free(resolved);
        return NULL;
    }
    store->path = resolved;
    good = sqlite3_open_v2(resolved, &store->db, flags, NULL) == SQLITE_OK && run(store, SETTINGS)
               ? check_companions(resolved) && check_schema(store) && prepare(store)
               : fail(store, "cannot be opened");
    if (!good) {
        resume_store_close(store);
        return NULL;
    }
    return store;
}

void resume_store_close(struct resume_store *store) {
    if (store == NULL) {
        return;
    }
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
    }
    if (sqlite3_close(store->db) != SQLITE_OK) { /* which writes the log back, and deletes it */
        fail(store, "does not close");
    }
    free(store->path);
    free(store);
}

/* Binds a blob; the bytes stay the caller's until done(). */
static bool bind_blob(sqlite3_stmt *statement, int index, const uint8_t *bytes, size_t len) {
    return sqlite3_bind_blob(statement, index, bytes, (int)len, SQLITE_STATIC) == SQLITE_OK;
}

static void done(sqlite3_stmt *statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int resume_store_load(void *context, const uint8_t *cid, size_t cid_len, uint8_t *record,
                      size_t *record_len) {
    struct resume_store *store = context;
    sqlite3_stmt *statement = store->statements[LOAD];
    int result = -1;
    int status = bind_blob(statement, 1, cid, cid_len) ? sqlite3_step(statement) : SQLITE_ERROR;

    if (status != SQLITE_ROW && status != SQLITE_DONE) {
        fail(store, "cannot be read");
    }
    if (status == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(statement, 0);
        int len = sqlite3_column_bytes(statement, 0);

        if (bytes != NULL && len > 0 && len <= LSCOAP_RESUME_RECORD_MAX) {
            memcpy(record, bytes, (size_t)len);
            *record_len = (size_t)len;
            result = 0;
        }
    }
    done(statement);
    return result;
}

static bool step(struct resume_store *store, enum statement which) {
    sqlite3_stmt *statement = store->statements[which];
    bool good = sqlite3_step(statement) == SQLITE_DONE;

    if (!good) {
        fail(store, "cannot be written");
    }
    done(statement);
    return good;
}

int resume_store_save(void *context, const uint8_t *device_id, size_t device_id_len,
                      const uint8_t *cid, size_t cid_len, const uint8_t *record,
                      size_t record_len) {
    struct resume_store *store = context;
    enum statement which = record == NULL || record_len == 0 ? DELETE_DEVICE : SAVE;
    sqlite3_stmt *statement = store->statements[which];
    bool bound = bind_blob(statement, 1, device_id, device_id_len);

    if (which == SAVE) {
        bound = bound && bind_blob(statement, 2, cid, cid_len) &&
                bind_blob(statement, 3, record, record_len);
    }
    return bound && step(store, which) ? 0 : -1;
}

bool resume_store_begin(struct resume_store *store) {
    return run(store, "BEGIN IMMEDIATE") || fail(store, "cannot be written");
}

bool resume_store_commit(struct resume_store *store) {
    if (run(store, "COMMIT")) {
        return true;
    }
    fail(store, "cannot be written");
    run(store, "ROLLBACK");
    return false;
}

struct known {
    bool (*is_known)(void *context, const uint8_t *device_id, size_t len);
    void *context;
};

static void is_known(sqlite3_context *call, int count, sqlite3_value **values) {
    const struct known *known = sqlite3_user_data(call);
    const uint8_t *id = sqlite3_value_blob(values[0]);

    (void)count;
    sqlite3_result_int(call,
                       known->is_known(known->context, id, (size_t)sqlite3_value_bytes(values[0])));
}

bool resume_store_prune(struct resume_store *store,
                        bool (*known)(void *context, const uint8_t *device_id, size_t len),
                        void *context) {
    struct known arguments = {known, context};
    bool good = sqlite3_create_function(store->db, "is_known", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        &arguments, is_known, NULL, NULL) == SQLITE_OK &&
                run(store, "DELETE FROM resume WHERE NOT is_known(device_id)");

    if (!good) {
        fail(store, "cannot be written");
    }
    sqlite3_create_function(store->db, "is_known", 1, SQLITE_UTF8, NULL, NULL, NULL, NULL);
    return good;
}
