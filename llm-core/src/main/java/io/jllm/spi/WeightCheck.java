package io.jllm.spi;

import io.jllm.model.Program;
import io.jllm.model.WeightShape;
import io.jllm.quant.Assembled;
import io.jllm.quant.DType;
import io.jllm.quant.Tensor;
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
     * @param readable the types that it can read
     */
    public static List<String> problems(Program program, WeightSource weights, Predicate<DType> readable) {
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
            DType type = switch (w) {
                case Tensor t -> t.type();
                case Assembled t -> t.type();
            };
            if (!readable.test(type)) {
                problems.add("tensor " + need.name() + " has type " + type + ", which cannot be read here");
            } else if (w.cols() % type.blockElements() != 0) {
                problems.add("tensor " + need.name() + " has rows of " + w.cols() + " values, which do not fill blocks of "
                        + type.blockElements() + " (" + type + ")");
            }
        }
        return problems;
    }
}
