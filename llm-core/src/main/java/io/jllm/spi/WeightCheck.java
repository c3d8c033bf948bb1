package io.jllm.spi;

import io.jllm.model.Program;
import io.jllm.model.WeightShape;
import io.jllm.quant.Codec;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The part of {@link Backend#unsupported} that is the same for every backend: do the tensors fit the program? */
public final class WeightCheck {
    private WeightCheck() {
    }

    /**
     * Every tensor that is missing, has another shape than the program needs, or a type that the backend cannot read.
     *
     * @param readable whether it can read weights that are stored so
     */
    public static List<String> problems(Program program, WeightSource weights, Predicate<Weights> readable) {
        var problems = new ArrayList<String>();
        for (WeightShape need : WeightShape.of(program)) {
            Optional<Weights> found = weights.find(need.name());
            if (found.isEmpty()) {
                problems.add("tensor " + need.name() + " (" + need.rows() + " x " + need.cols() + ") is missing");
                continue;
            }
            Weights w = found.get();
            if (w.rows() != need.rows() || w.cols() != need.cols()) {
                problems.add("tensor " + need.name() + " is " + w.rows() + " x " + w.cols() + ", the model needs " + need.rows()
                        + " x " + need.cols());
            }
            if (!readable.test(w)) {
                problems.add("tensor " + need.name() + " has type " + w.format() + ", which cannot be read here" + (w.stored().isPresent() ? ""
                        : ": use the cpu backend, or convert the model to a GGUF file"));
            }
            w.stored().filter(type -> w.cols() % type.blockElements() != 0).ifPresent(type -> problems.add("tensor " + need.name() + " has rows of "
                    + w.cols() + " values, which do not fill blocks of " + type.blockElements() + " (" + type + ")"));
        }
        return problems;
    }

    /** Whether {@link Weights#decode} reads weights: of all types but those of which only the size is known. */
    public static boolean decodes(Weights w) {
        return w.stored().map(type -> Codec.of(type).isPresent()).orElse(true);
    }
}
