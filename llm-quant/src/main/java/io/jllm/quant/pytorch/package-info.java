/**
 * Checkpoints of PyTorch, as {@code torch.save} has written them since version 1.6: a zip archive of storages, and a pickle that says which
 * tensors are in them. No Python runs here: the pickle is read by a machine that knows what tensors need, and nothing else.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link PytorchFile}: an open file
 * <li>{@link TorchArchive}: the entries of the archive, where they are
 * <li>{@link TorchPickle}: the machine that reads the pickle; {@link PickleBytes} its input, {@link TorchCalls} the functions that it knows
 * <li>{@link Pickled}: what it makes
 * </ul>
 */
package io.jllm.quant.pytorch;
