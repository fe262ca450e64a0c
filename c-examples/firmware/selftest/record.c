/* Prints recorded.inc. */
#include "board.h"
#include "check.h"
#include "transcript.h"

static const char *profile_name;

static void print(const char *name, const uint8_t *bytes, size_t len) {
    board_print("RECORDED(\"");
    board_print(profile_name);
    board_print(", ");
    board_print(name);
    board_print("\", \"");
    board_print_hex(bytes, len);
    board_print("\")\n");
}

int main(void) {
    board_print("/* Made by record.c on a host; README.md says how. */\n");
    profile_name = "signed";
    transcript(LSCOAP_SIGNED, print);
    profile_name = "express";
    transcript(LSCOAP_EXPRESS, print);
    return check_failures() != 0;
}
