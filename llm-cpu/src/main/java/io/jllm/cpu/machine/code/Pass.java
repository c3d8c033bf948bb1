package io.jllm.cpu.machine.code;

/**
 * What is computed in one run over the weights: as many sums as there are registers for.
 *
 * @param groups groups of rows
 * @param part the first of the parts of a vector of 64 bytes
 * @param parts how many
 * @param token the first token
 * @param tokens how many
 */
record Pass(int groups, int part, int parts, int token, int tokens) {
    /** Sums, which are in registers 0 on. */
    int sums() {
        return groups * parts * tokens;
    }

    /** The register of a sum; part and token are counted from the first ones here. */
    int sum(int group, int partHere, int tokenHere) {
        return (group * parts + partHere) * tokens + tokenHere;
    }
}
