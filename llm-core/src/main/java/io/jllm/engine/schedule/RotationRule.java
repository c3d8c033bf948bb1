package io.jllm.engine.schedule;

import io.jllm.model.Program;
import io.jllm.model.Rope;
import java.util.List;

/**
 * By what length a text is rotated, in models whose rotation depends on it.
 *
 * @param borders texts that are longer than one of these are rotated otherwise than others, whatever their length; rising
 * @param grows texts that are longer than this are rotated each by its own length
 */
public record RotationRule(List<Integer> borders, int grows) {
    /** Copies the borders. */
    public RotationRule {
        borders = borders.stream().sorted().distinct().toList();
    }

    /** Of a model. */
    public static RotationRule of(Program program) {
        var longer = program.longer();
        return new RotationRule(longer.stream().filter(l -> l instanceof Rope.Longer.Switched).map(Rope.Longer::above).toList(),
                longer.stream().filter(l -> l instanceof Rope.Longer.Dynamic).mapToInt(Rope.Longer::above).min().orElse(Integer.MAX_VALUE));
    }

    /** By what length a text of so many tokens is rotated: the same for all that are rotated alike. */
    int chosen(int length) {
        return length > grows ? length : side(length);
    }

    /** Whether a text whose length was chosen so has grown past a border, and must be computed anew. */
    boolean outgrown(int chosen, int length) {
        return side(length) != side(chosen);
    }

    /** How long a text may become and be rotated as one of so many tokens is. */
    public int longestAlike(int length) {
        return borders.stream().filter(b -> b >= length).findFirst().orElse(Integer.MAX_VALUE);
    }

    /** The least length that is on the same side of all borders; 0 if none is passed. */
    private int side(int length) {
        return borders.stream().filter(b -> length > b).mapToInt(b -> b + 1).max().orElse(0);
    }
}
