"""Operations on sound by what they change: noise, level, time, spectrum, room, coding."""
