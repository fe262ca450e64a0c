/* Runs a target on files, without libFuzzer: replay DIRECTORY. Fails when there are none. */
#include "target.h"

#include <dirent.h>
#include <string.h>

enum { INPUT_MAX = 65536 };

static void run(const char *directory, const char *name) {
    static uint8_t bytes[INPUT_MAX];
    char path[1024];
    FILE *file;
    uint8_t *input;
    size_t len;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "rb");
    MUST(file != NULL);
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    input = malloc(len == 0 ? 1 : len); /* as long as it is, so that reading past it is found */
    MUST(input != NULL);
    memcpy(input, bytes, len);
    fprintf(stderr, "%s\n", name); /* the last one is the one that failed */
    (void)LLVMFuzzerTestOneInput(input, len);
    free(input);
}

int main(int argc, char **argv) {
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    const struct dirent *entry;
    unsigned count = 0;

    if (directory == NULL) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            run(argv[1], entry->d_name);
            count++;
        }
    }
    closedir(directory);
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}
