package io.jllm.schema;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** Finds the shapes of Java types. One of these finds those of one root, and knows each type once. */
final class Shapes {
    private static final String SUPPORTED = "use records, sealed interfaces of records, enums, lists, sets, maps with String keys, Optional, arrays, "
            + "String, numbers, booleans, or dates and times of java.time";

    private static final int DEEPEST = 50;

    private final Map<String, Shape.Named> named = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    private int depth;

    /**
     * @param where how messages name the place
     * @throws UnsupportedTypeException if it or a type inside it has no shape
     */
    Shape of(Type type, String where) {
        return of(type, Map.of(), where);
    }

    private Shape of(Type type, Map<String, Type> variables, String where) {
        return switch (type) {
            case Class<?> c -> ofClass(c, List.of(), where);
            case ParameterizedType p -> ofClass((Class<?>) p.getRawType(),
                    Arrays.stream(p.getActualTypeArguments()).map(a -> resolve(a, variables)).toList(), where);
            case GenericArrayType a -> array(of(a.getGenericComponentType(), variables, where + "[]"),
                    rawClass(resolve(a.getGenericComponentType(), variables)));
            case WildcardType w -> of(w.getUpperBounds()[0], variables, where);
            case TypeVariable<?> v when variables.containsKey(v.getName()) -> of(variables.get(v.getName()), Map.of(), where);
            default -> throw unsupported(type, where, "is not known there: give it a type");
        };
    }

    /** A type without the variables that are known. */
    private static Type resolve(Type type, Map<String, Type> variables) {
        return switch (type) {
            case TypeVariable<?> v -> variables.getOrDefault(v.getName(), v);
            case WildcardType w -> resolve(w.getUpperBounds()[0], variables);
            case ParameterizedType p -> new Applied((Class<?>) p.getRawType(),
                    Arrays.stream(p.getActualTypeArguments()).map(a -> resolve(a, variables)).toList());
            default -> type;
        };
    }

    /** A generic class with its arguments. */
    private record Applied(Class<?> raw, List<Type> arguments) implements ParameterizedType {
        @Override
        public Type[] getActualTypeArguments() {
            return arguments.toArray(Type[]::new);
        }

        @Override
        public Type getRawType() {
            return raw;
        }

        @Override
        public Type getOwnerType() {
            return raw.getDeclaringClass();
        }

        @Override
        public String getTypeName() {
            return raw.getTypeName() + arguments.stream().map(Type::getTypeName).toList();
        }
    }

    private static Class<?> rawClass(Type type) {
        return switch (type) {
            case Class<?> c -> c;
            case ParameterizedType p -> (Class<?>) p.getRawType();
            case GenericArrayType a -> rawClass(a.getGenericComponentType()).arrayType();
            default -> Object.class;
        };
    }

    private Shape ofClass(Class<?> c, List<Type> arguments, String where) {
        var leaf = Leaves.of(c);
        if (leaf.isPresent()) {
            return leaf.get();
        }
        if (c.isArray()) {
            return array(of(c.getComponentType(), where + "[]"), c.getComponentType());
        }
        if (c == OptionalInt.class) {
            return new Shape.Maybe(of(int.class, where), o -> o.map(v -> OptionalInt.of((Integer) v)).orElse(OptionalInt.empty()),
                    o -> ((OptionalInt) o).stream().mapToObj(v -> (Object) v).findFirst());
        }
        if (c == OptionalLong.class) {
            return new Shape.Maybe(of(long.class, where), o -> o.map(v -> OptionalLong.of((Long) v)).orElse(OptionalLong.empty()),
                    o -> ((OptionalLong) o).stream().mapToObj(v -> (Object) v).findFirst());
        }
        if (c == OptionalDouble.class) {
            return new Shape.Maybe(of(double.class, where), o -> o.map(v -> OptionalDouble.of((Double) v)).orElse(OptionalDouble.empty()),
                    o -> ((OptionalDouble) o).stream().mapToObj(v -> (Object) v).findFirst());
        }
        if (c.getTypeParameters().length != arguments.size()) {
            throw unsupported(c, where, "needs to say of what: write " + c.getSimpleName() + "<...>");
        }
        if (c == List.class || c == Collection.class) {
            return new Shape.Row(of(arguments.getFirst(), where + "[]"), l -> Collections.unmodifiableList(new ArrayList<>(l)), Shapes::spread);
        }
        if (c == Set.class) {
            return new Shape.Row(of(arguments.getFirst(), where + "[]"), l -> Collections.unmodifiableSet(new LinkedHashSet<>(l)), Shapes::spread);
        }
        if (c == Optional.class) {
            return new Shape.Maybe(of(arguments.getFirst(), where), o -> o, o -> ((Optional<?>) o).map(v -> v));
        }
        if (c == Map.class) {
            if (arguments.getFirst() != String.class) {
                throw unsupported(c, where, "has keys of " + arguments.getFirst().getTypeName() + ": JSON has String keys only");
            }
            return new Shape.Table(of(arguments.get(1), where + "{}"));
        }
        if (c.isEnum()) {
            return choice(c, where);
        }
        if (c.isRecord()) {
            return product(c, arguments, where);
        }
        if (c.isSealed()) {
            return sum(c, where);
        }
        throw unsupported(c, where, "is not supported: " + SUPPORTED);
    }

    private static List<Object> spread(Object collection) {
        return new ArrayList<>((Collection<?>) collection);
    }

    private static Shape array(Shape element, Class<?> of) {
        return new Shape.Row(element, l -> {
            Object array = Array.newInstance(of, l.size());
            for (int i = 0; i < l.size(); i++) {
                Array.set(array, i, l.get(i));
            }
            return array;
        }, array -> {
            var list = new ArrayList<Object>();
            for (int i = 0; i < Array.getLength(array); i++) {
                list.add(Array.get(array, i));
            }
            return list;
        });
    }

    private static Shape choice(Class<?> c, String where) {
        var byName = new LinkedHashMap<String, Object>();
        for (Object constant : c.getEnumConstants()) {
            String own = ((Enum<?>) constant).name();
            try {
                String name = Reflection.nameOf(c.getField(own), own);
                if (byName.put(name, constant) != null) {
                    throw unsupported(c, where, "has two constants of the name " + name);
                }
            } catch (NoSuchFieldException e) {
                throw new IllegalStateException(c + " has no field for its constant " + own, e);
            }
        }
        if (byName.isEmpty()) {
            throw unsupported(c, where, "has no constants");
        }
        return new Shape.Choice(c.getSimpleName(), Collections.unmodifiableMap(byName), Reflection.description(c));
    }

    private Shape product(Class<?> c, List<Type> arguments, String where) {
        String key = c.getName() + arguments.stream().map(Type::getTypeName).toList();
        var known = named.get(key);
        if (known != null) {
            return known;
        }
        var components = c.getRecordComponents();
        var product = new Shape.Product(unusedName(c), Reflection.description(c), Reflection.constructor(c, components, where));
        named.put(key, product);
        if (++depth > DEEPEST) {
            throw unsupported(c, where, "is nested more than " + DEEPEST + " records deep: a generic record that holds itself with other arguments "
                    + "has no end");
        }
        var variables = new HashMap<String, Type>();
        for (int i = 0; i < arguments.size(); i++) {
            variables.put(c.getTypeParameters()[i].getName(), arguments.get(i));
        }
        var fields = new ArrayList<Shape.Field>();
        var used = new HashSet<String>();
        for (RecordComponent r : components) {
            String name = Reflection.nameOf(r, r.getName());
            if (!used.add(name)) {
                throw unsupported(c, where, "has two components of the name " + name);
            }
            fields.add(new Shape.Field(name, Reflection.description(r), of(r.getGenericType(), variables, where + "." + r.getName()),
                    Optional.of(Reflection.accessor(r.getAccessor(), where))));
        }
        depth--;
        product.is(fields);
        return product;
    }

    private Shape sum(Class<?> c, String where) {
        var known = named.get(c.getName());
        if (known != null) {
            return known;
        }
        if (c.getTypeParameters().length > 0) {
            throw unsupported(c, where, "is sealed and generic: make it a sealed interface without type parameters");
        }
        var sum = new Shape.Sum(unusedName(c), Reflection.description(c));
        named.put(c.getName(), sum);
        var variants = new LinkedHashMap<String, Shape.Variant>();
        for (Class<?> leaf : leaves(c, where)) {
            String name = Reflection.nameOf(leaf, leaf.getSimpleName());
            var product = (Shape.Product) ofClass(leaf, List.of(), where + "(" + leaf.getSimpleName() + ")");
            if (Arrays.stream(leaf.getRecordComponents()).anyMatch(r -> Reflection.nameOf(r, r.getName()).equals(Shape.Sum.TYPE))) {
                throw unsupported(leaf, where, "has a component named " + Shape.Sum.TYPE + ", by which the records of " + c.getSimpleName()
                        + " are told apart: give it another name by @Name");
            }
            if (variants.put(name, new Shape.Variant(name, leaf, product)) != null) {
                throw unsupported(c, where, "has two records named " + name + ": give one another name by @Name");
            }
        }
        sum.is(List.copyOf(variants.values()));
        return sum;
    }

    private static Set<Class<?>> leaves(Class<?> c, String where) {
        var found = new LinkedHashSet<Class<?>>();
        for (Class<?> permitted : c.getPermittedSubclasses()) {
            if (permitted.isSealed()) {
                found.addAll(leaves(permitted, where));
            } else if (permitted.isRecord()) {
                found.add(permitted);
            } else {
                throw unsupported(permitted, where, "is no record: only records may implement " + c.getSimpleName());
            }
        }
        return found;
    }

    private String unusedName(Class<?> c) {
        String name = c.getSimpleName();
        for (int i = 2; !names.add(name); i++) {
            name = c.getSimpleName() + i;
        }
        return name;
    }

    static UnsupportedTypeException unsupported(Type type, String where, String why) {
        return new UnsupportedTypeException(type.getTypeName() + " at " + where + " " + why);
    }
}
