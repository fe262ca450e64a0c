/* An image that calls nothing: the linker is told which functions to bring in. */
int main(void) {
    return 0;
}
