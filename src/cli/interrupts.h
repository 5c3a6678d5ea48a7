#pragma once
// Ctrl-C, as a question that is asked between two tokens.

namespace avocado::cli {

// From now on the first Ctrl-C is only noted. A second one leaves the program at once with 130, if
// `second_leaves`; a chat goes on whatever happens.
void catch_interrupts(bool second_leaves);

bool interrupted();
void forget_interrupts();

// Waits until standard input can be read; false: there was a Ctrl-C before or meanwhile.
bool wait_for_input();

}  // namespace avocado::cli
