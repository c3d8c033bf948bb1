package io.jllm.cuda.kernels;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A struct that Java and kernels share. The image exports where it has each member, in the constants {@code <name>_layout} (bytes of the struct, then
 * offset and bytes of each member) and {@code <name>_members} (the name of the struct and those of the members).
 *
 * @param name as constants begin
 * @param layout as Java has it; its members are named as in the kernels, what has no name is not looked at
 */
public record DeviceStruct(String name, StructLayout layout) {
    /** Bytes of it. */
    public long bytes() {
        return layout.byteSize();
    }

    /** Where a member stands. */
    public long at(String member) {
        return layout.byteOffset(PathElement.groupElement(member));
    }

    private List<String> members() {
        return layout.memberLayouts().stream().flatMap(m -> m.name().stream()).toList();
    }

    /** Bytes of the struct, then offset and bytes of each member: what the image's constant must have. */
    public int[] numbers() {
        return IntStream.concat(IntStream.of((int) bytes()), members().stream().flatMapToInt(m -> IntStream.of((int) at(m), memberBytes(m))))
                .toArray();
    }

    /** The name of the struct and those of its members: what the image's constant must have. */
    public String names() {
        return Character.toUpperCase(name.charAt(0)) + name.substring(1) + " " + String.join(" ", members());
    }

    private int memberBytes(String member) {
        return (int) layout.select(PathElement.groupElement(member)).byteSize();
    }

    /**
     * Compares it with the image.
     *
     * @throws IllegalStateException if they differ; names the struct and the member
     */
    public void check(Kernels kernels) {
        String[] mine = names().split(" ");
        String[] theirs = kernels.text(name + "_members").split(" ");
        int[] numbers = kernels.constants(name + "_layout");
        if (mine.length != theirs.length || numbers.length != 2 * theirs.length - 1) {
            throw mismatch("the members " + List.of(theirs), List.of(mine).toString());
        }
        for (int i = 1; i < mine.length; i++) {
            String java = place(mine[i], at(mine[i]), memberBytes(mine[i]));
            String image = place(theirs[i], numbers[2 * i - 1], numbers[2 * i]);
            if (!java.equals(image)) {
                throw mismatch(image, java);
            }
        }
        if (numbers[0] != bytes()) {
            throw mismatch(numbers[0] + " bytes", bytes() + " bytes");
        }
    }

    private static String place(String member, long offset, int bytes) {
        return "the member " + member + " of " + bytes + " bytes at " + offset;
    }

    private IllegalStateException mismatch(String image, String java) {
        return new IllegalStateException("the struct " + name + " of the kernels is not that of Java: the image has " + image + ", Java has " + java
                + "; the jar of llm-cuda was not built as a whole: build it anew, mvn clean package");
    }
}
