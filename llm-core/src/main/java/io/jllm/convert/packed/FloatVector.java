package io.jllm.convert.packed;

import io.jllm.ModelLoadException;
import io.jllm.quant.Codec;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Weights;
import io.jllm.quant.safetensors.StoredTensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;

/** The weights of a norm, or a bias, to be written with other values in place of the checkpoint's. */
final class FloatVector {
    private static final Set<DType> FLOATS = Set.of(DType.F32, DType.F16, DType.BF16);

    private final String name;
    private final DType type;
    private final float[] values;

    private FloatVector(String name, DType type, float[] values) {
        this.name = name;
        this.type = type;
        this.values = values;
    }

    /** Whether the checkpoint has the vector as the program reads it, by itself and as floats; some families add 1 to it. */
    static boolean isStored(String name, PackContext context) {
        var checkpoint = context.checkpoint();
        return checkpoint.find(name).filter(w -> w == context.model().weights().get(name) && w.stored().filter(FLOATS::contains).isPresent()
                && checkpoint.stored().stream().anyMatch(t -> t.name().equals(checkpoint.origin(name).orElseThrow().tensor())
                && t.data().byteSize() == w.bytes())).isPresent();
    }

    /**
     * One of the program's.
     *
     * @throws ModelLoadException if the checkpoint does not have it by itself
     */
    static FloatVector of(String name, PackContext context) {
        if (!isStored(name, context)) {
            throw new ModelLoadException("vector " + name + " is a part of another in the checkpoint, or no floats: AWQ cannot scale it; use GPTQ");
        }
        Weights weights = context.checkpoint().get(name);
        var values = new float[Math.toIntExact(weights.rows() * weights.cols())];
        weights.decode(0, Math.toIntExact(weights.rows()), values, 0);
        return new FloatVector(context.checkpoint().origin(name).orElseThrow().tensor(), weights.stored().orElseThrow(), values);
    }

    /**
     * Divides its values, which are rounded to its type.
     *
     * @return what they have been divided by, rounding and all; 1 where nothing is left
     */
    double[] divide(double[] divisors) {
        var exact = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            float divided = rounded((float) (values[i] / divisors[i]));
            exact[i] = divided == 0 ? 1 : values[i] / (double) divided;
            values[i] = divided == 0 ? values[i] : divided;
        }
        return exact;
    }

    private float rounded(float value) {
        MemorySegment one = MemorySegment.ofArray(new byte[Float.BYTES]);
        Encoder.of(type).orElseThrow().encode(new float[] {value}, 0, 1, one, 0);
        var back = new float[1];
        Codec.of(type).orElseThrow().decode(one, 0, back, 0, 1);
        return back[0];
    }

    /** As it is written. */
    StoredTensor stored() {
        MemorySegment data = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(values.length))]);
        Encoder.of(type).orElseThrow().encode(values, 0, values.length, data, 0);
        return new StoredTensor(name, type, List.of((long) values.length), data);
    }
}
