package io.jllm.model;

import java.util.Optional;

/**
 * The tensors of one matrix product, by name; their format comes from the tensor.
 *
 * @param name the matrix, rows of outputs by columns of inputs
 * @param rows how many outputs it has
 * @param bias one number for each row, added to the product
 */
public record Weight(String name, int rows, Optional<String> bias) {
}
