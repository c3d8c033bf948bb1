package io.jllm.tokenizer.bpe;

import java.util.Arrays;

/** A number for each of some code points, in pages, so that a few hundred of them take little room and a lookup two reads. */
final class CodePoints {
    static final int NONE = -1;
    private static final int PAGE_BITS = 8;
    private static final int PAGE = 1 << PAGE_BITS;

    private final int[][] pages = new int[(Character.MAX_CODE_POINT >> PAGE_BITS) + 1][];

    void put(int codePoint, int number) {
        int page = codePoint >> PAGE_BITS;
        if (pages[page] == null) {
            pages[page] = new int[PAGE];
            Arrays.fill(pages[page], NONE);
        }
        pages[page][codePoint & PAGE - 1] = number;
    }

    /** The number, or {@link #NONE}. */
    int get(int codePoint) {
        int[] page = pages[codePoint >> PAGE_BITS];
        return page == null ? NONE : page[codePoint & PAGE - 1];
    }
}
