package io.jllm.convert;

import io.jllm.ModelLoadException;
import io.jllm.quant.DType;

/** Which importances of columns a tensor is written with. */
final class Importances {
    private static final float[] NONE = {};

    private Importances() {
    }

    /**
     * Those of a tensor that becomes another format.
     *
     * @throws ModelLoadException if there are some, for another number of columns, or none where the file type cannot do without
     */
    static float[] of(Checkpoint.Item t, DType type, Converter.Options options, Converter.Progress progress) {
        var role = TensorRole.of(t.name());
        boolean isTable = role == TensorRole.EMBEDDING || role == TensorRole.OUTPUT;
        var matrix = options.importance();
        var found = matrix.find(t.name()).orElse(NONE);
        if (found.length == 0) {
            if (!isTable && type == DType.Q2_K && options.type() == FileType.Q2_K_S) {
                throw new ModelLoadException("tensor " + t.name() + " of a file of type Q2_K_S is written in Q2_K, and needs importances of its "
                        + "columns"
                        + (matrix.isEmpty() ? ": give an importance matrix (--imatrix), or ask for Q2_K"
                        : ", which " + matrix.file() + " does not have"));
            }
            if (!isTable && !matrix.isEmpty() && type.isQuantized()) {
                progress.note("tensor " + t.name() + " is not in " + matrix.file() + ": all its columns count alike");
            }
            return NONE;
        }
        long experts = t.shape().size() > 2 ? t.shape().get(2) : 1;
        if (found.length != t.data().cols() * experts) {
            if (isTable) { // measured as a table that is read, perhaps, not multiplied with
                return NONE;
            }
            throw new ModelLoadException("tensor " + t.name() + " has " + t.data().cols() + " columns" + (experts > 1 ? " and " + experts + " experts"
                    : "") + "; " + matrix.file() + " has importances for " + found.length + ": it is of another model");
        }
        return found;
    }
}
