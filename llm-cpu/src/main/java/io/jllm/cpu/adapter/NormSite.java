package io.jllm.cpu.adapter;

import io.jllm.cpu.kernels.RowKernels;
import io.jllm.cpu.kernels.Workspace;
import io.jllm.cpu.layout.Rows;
import java.util.Map;
import java.util.Optional;

/** A norm of the program, and how adapters change its weight and bias. */
public final class NormSite extends Site<RowKernels.Norm> {
    private final Names names;
    private final Maker maker;

    /** The tensors of a norm. */
    public record Names(Optional<String> weight, Optional<String> bias) {
    }

    /** Makes a norm of tensors that take the place of the model's. */
    @FunctionalInterface
    public interface Maker {
        /** With these where they are there, and the model's where not. */
        RowKernels.Norm make(Optional<float[]> weight, Optional<float[]> bias);
    }

    NormSite(Names names, Maker maker) {
        this.names = names;
        this.maker = maker;
    }

    /** Takes an adapter's vectors, if any are meant for it. */
    void add(int adapter, Map<String, float[]> vectors) {
        Optional<float[]> w = names.weight().map(vectors::get);
        Optional<float[]> b = names.bias().map(vectors::get);
        if (w.isPresent() || b.isPresent()) {
            put(adapter, maker.make(w, b));
        }
    }

    /** Norms a row anew. */
    public void apply(int adapter, Rows in, Rows out, int row, Workspace ws) {
        RowKernels.Norm norm = change(adapter);
        if (norm != null) {
            norm.apply(in.data(), in.row(row), out.data(), out.row(row), in.width(), ws);
        }
    }
}
