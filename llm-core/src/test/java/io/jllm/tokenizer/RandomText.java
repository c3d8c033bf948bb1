package io.jllm.tokenizer;

import java.util.List;
import java.util.Random;

/** Texts at random, of many scripts, of blanks, contractions and marks that tokenizers treat apart. */
public final class RandomText {
    private static final List<String> BLOCKS = List.of("az", "AZ", "09", "!/", ":@", "\u00a0\u00bf", "\u00e0\u00ff", "\u0300\u036f", "\u0400\u04ff",
            "\u0621\u06ff", "\u0900\u097f", "\u0e01\u0e3a", "\u2000\u206f", "\u2580\u25ff", "\u3040\u30ff", "\u4e00\u9fff", "\uac00\ud7a3");
    private static final List<String> PIECES = List.of(" ", "  ", "\n", "\t", "\r\n", "'s", "'LL", "'ve", "hello", "the", "Once upon", "world",
            "don't", "I'M", "<s>", "</s>", "<|bos|>", "\u2581", "\u2581\u2581a", "\u0130", "\u03a3\u03c2", "\u212a", "\u017f", "STRA\u1e9eE");

    private RandomText() {
    }

    public static String of(Random random, int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            switch (random.nextInt(4)) {
                case 0 -> text.append(PIECES.get(random.nextInt(PIECES.size())));
                case 1 -> text.append(" ".repeat(random.nextInt(4)));
                case 2 -> {
                    String block = BLOCKS.get(random.nextInt(BLOCKS.size()));
                    for (int i = random.nextInt(8); i >= 0; i--) {
                        text.append((char) random.nextInt(block.charAt(0), block.charAt(1) + 1));
                    }
                }
                default -> text.appendCodePoint(random.nextBoolean() ? random.nextInt(0x1F300, 0x1F600) : assigned(random));
            }
        }
        return text.toString();
    }

    /** Of scripts that have grown little since the first versions of Unicode: the two sides may know versions of their own. */
    private static int assigned(Random random) {
        int c;
        do {
            c = random.nextBoolean() ? random.nextInt(0x500) : random.nextInt(0x1E00, 0x2400);
        } while (!Character.isDefined(c));
        return c;
    }
}
