package io.jllm.tokenizer.unigram;

import java.util.Arrays;
import java.util.Map;

/**
 * Texts with numbers, walked character by character. Nodes are numbered breadth first, so that the children of each stand together, sorted:
 * ten bytes a node. Immutable.
 */
final class PieceTrie {
    static final int ROOT = 0;
    /** No such node, or no text that ends there. */
    static final int NONE = -1;

    /** The character that leads to each node. */
    private final char[] labels;
    /** Where the children of each node begin; those of the next follow. */
    private final int[] children;
    private final int[] numbers;

    PieceTrie(Map<String, Integer> texts) {
        String[] sorted = texts.keySet().toArray(String[]::new);
        Arrays.sort(sorted);
        int most = Math.addExact(Math.toIntExact(Arrays.stream(sorted).mapToLong(String::length).sum()), 1);
        var nodes = new Nodes(most);
        nodes.add('\0', 0, sorted.length, 0);
        for (int node = 0; node < nodes.count; node++) {
            nodes.expand(node, sorted, texts);
        }
        nodes.children[nodes.count] = nodes.count;
        labels = Arrays.copyOf(nodes.labels, nodes.count);
        children = Arrays.copyOf(nodes.children, nodes.count + 1);
        numbers = Arrays.copyOf(nodes.numbers, nodes.count);
    }

    /** Those made so far, each of a range of sorted texts that begin alike. */
    private static final class Nodes {
        final char[] labels;
        final int[] children;
        final int[] numbers;
        final int[] from;
        final int[] to;
        final int[] depth;
        int count;

        Nodes(int most) {
            labels = new char[most];
            children = new int[most + 1];
            numbers = new int[most];
            from = new int[most];
            to = new int[most];
            depth = new int[most];
        }

        void add(char label, int first, int end, int length) {
            labels[count] = label;
            from[count] = first;
            to[count] = end;
            depth[count++] = length;
        }

        void expand(int node, String[] sorted, Map<String, Integer> texts) {
            int at = from[node];
            int length = depth[node];
            boolean ends = at < to[node] && sorted[at].length() == length;
            numbers[node] = ends ? texts.get(sorted[at++]) : NONE;
            children[node] = count;
            while (at < to[node]) {
                char label = sorted[at].charAt(length);
                int end = at + 1;
                while (end < to[node] && sorted[end].charAt(length) == label) {
                    end++;
                }
                add(label, at, end, length + 1);
                at = end;
            }
        }
    }

    /** The node that a character leads to, {@link #NONE} if no text goes on so. */
    int next(int node, char c) {
        int found = Arrays.binarySearch(labels, children[node], children[node + 1], c);
        return found >= 0 ? found : NONE;
    }

    /** The number of the text that ends at a node, {@link #NONE} if none does. */
    int number(int node) {
        return numbers[node];
    }
}
